"""One's own account on the pages: second factor, password, sessions, forgotten password."""

import re
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts.actions import second_factor
from accounts.constants import ADMIN_SESSION_KEY
from accounts.models import BackupCode, PasswordReset, SecondFactor, Session, User
from accounts.tests import doors, factories
from accounts.tests.test_flow import NEW_PASSWORD
from audit.models import AuditEvent
from common import clock
from common.actor import Actor
from jobs.testing import run_due
from mail.models import Message

pytestmark = pytest.mark.django_db
LATER = 301
ADDRESSES = (
    "/auth/account",
    "/auth/account/password",
    "/auth/account/second-factor",
    "/auth/account/second-factor/off",
    "/auth/account/backup-codes",
    "/auth/confirm",
)


@pytest.fixture
def inside(client: Client, owner: User) -> Client:
    """A browser that signed in by password alone."""
    doors.type_password(client, owner)
    return client


@pytest.fixture
def factor(owner: User) -> tuple[str, list[str]]:
    """The owner's secret and backup codes."""
    return doors.give_factor(owner)


@pytest.fixture
def verified(client: Client, owner: User, factor: tuple[str, list[str]]) -> Client:
    """A browser that signed in with a code, whose step is free again."""
    doors.type_password(client, owner)
    client.post("/auth/code", {"code": doors.code_of(factor[0])})
    SecondFactor.objects.update(last_step=0)
    return client


def row(client: Client) -> Session:
    return Session.objects.get(pk=client.session[ADMIN_SESSION_KEY])


@pytest.mark.parametrize("address", ADDRESSES)
def test_strangers_are_led_to_the_door(client: Client, db: None, address: str) -> None:
    answer = client.get(address)
    assert (answer.status_code, answer["Location"]) == (303, f"/auth/sign-in?next={address.replace('/', '%2F')}")
    assert address == "/auth/account" or client.post(address)["Location"] == "/auth/sign-in"


def test_the_admins_menu_leads_here_and_the_banner_offers_a_factor(inside: Client) -> None:
    page = inside.get("/admin/").content.decode()
    assert 'href="/auth/account"' in page
    assert 'href="/auth/account/second-factor"' in page


class TestConfirmation:
    """Step-up."""

    def test_it_asks_for_the_password_and_comes_back(self, inside: Client) -> None:
        with clock.shift(LATER):
            asked = inside.get("/auth/account/second-factor")
            assert asked["Location"] == "/auth/confirm?next=%2Fauth%2Faccount%2Fsecond-factor"
            page = inside.get(asked["Location"]).content.decode()
            assert 'name="code"' not in page
            wrong = inside.post(asked["Location"], {"password": "wrong"})
            assert wrong.status_code == 400
            assert "That is not your password." in wrong.content.decode()
            done = inside.post(asked["Location"], {"password": factories.PASSWORD})
            assert (done.status_code, done["Location"]) == (303, "/auth/account/second-factor")
            assert inside.get(done["Location"]).status_code == 200
        assert AuditEvent.objects.get(action="reauth.succeeded").session_id == str(row(inside).pk)
        assert AuditEvent.objects.filter(action="reauth.failed").count() == 1

    def test_in_a_window_of_its_own_it_says_that_it_is_done(self, inside: Client) -> None:
        answer = inside.post("/auth/confirm", {"password": factories.PASSWORD})
        assert answer.status_code == 200
        assert "Close this window" in answer.content.decode()

    def test_with_a_factor_the_password_is_not_enough(self, verified: Client, factor: tuple[str, list[str]]) -> None:
        with clock.shift(LATER):
            assert verified.post("/auth/confirm", {"password": factories.PASSWORD}).status_code == 400
            refused = verified.post("/auth/confirm", {"password": factories.PASSWORD, "code": "000000"})
            assert refused.status_code == 400
            assert verified.get("/auth/account/second-factor").status_code == 303
            code = doors.code_of(factor[0])
            answer = verified.post("/auth/confirm", {"password": factories.PASSWORD, "code": code})
            assert answer.status_code == 200
            assert verified.get("/auth/account/second-factor").status_code == 200

    def test_too_many_wrong_passwords_wait(self, inside: Client, settings: Any) -> None:
        from config.rates import Rate

        settings.RATES = {**settings.RATES, "REAUTHENTICATE_USER": Rate(2, 300)}
        for _ in range(2):
            inside.post("/auth/confirm", {"password": "wrong"})
        answer = inside.post("/auth/confirm", {"password": factories.PASSWORD})
        assert answer.status_code == 429
        assert int(answer["Retry-After"]) >= 1


class TestOwnFactor:
    """Set up, replace, new codes, off."""

    def test_enrolling_keeps_this_browser_in_and_ends_the_others(self, inside: Client, owner: User) -> None:
        other = Client()
        other.force_login(owner)
        page = inside.get("/auth/account/second-factor").content.decode()
        secret = doors.shown_secret(page)
        fields = {"enrollment_id": doors.hidden(page, "enrollment_id"), "code": doors.code_of(secret)}
        shown = inside.post("/auth/account/second-factor", fields)
        assert len(doors.shown_codes(shown.content.decode())) == 10
        assert inside.get("/admin/").status_code == 200
        assert row(inside).amr == ["pwd", "otp"]
        assert other.get("/admin/").status_code == 302
        account = inside.get("/auth/account").content.decode()
        assert "10 backup codes are left." in account
        assert secret not in account

    def test_a_secret_that_another_browser_began_is_not_shown(self, inside: Client, owner: User) -> None:
        begun = second_factor.begin(user=owner, by=Actor.staff(owner))
        secret = doors.shown_secret(inside.get("/auth/account/second-factor").content.decode())
        assert secret != begun.secret
        assert doors.shown_secret(inside.get("/auth/account/second-factor").content.decode()) == secret
        assert not SecondFactor.objects.filter(pk=begun.id).exists()

    def test_another_phone_replaces_the_first(self, verified: Client, factor: tuple[str, list[str]]) -> None:
        page = verified.get("/auth/account/second-factor").content.decode()
        assert "the one of before and its backup codes stop working" in page
        secret = doors.shown_secret(page)
        assert secret != factor[0]
        fields = {"enrollment_id": doors.hidden(page, "enrollment_id"), "code": doors.code_of(secret)}
        verified.post("/auth/account/second-factor", fields)
        assert SecondFactor.objects.filter(confirmed=True).count() == 1
        assert verified.get("/admin/").status_code == 200
        assert AuditEvent.objects.filter(action="2fa.enabled").count() == 2

    def test_new_codes_want_the_app_not_a_backup_code(self, verified: Client, factor: tuple[str, list[str]]) -> None:
        with clock.shift(LATER):
            asked = verified.get("/auth/account/backup-codes")["Location"]
            verified.post(asked, {"password": factories.PASSWORD, "code": factor[1][0]})
            again = verified.get("/auth/account/backup-codes")
            assert again["Location"] == "/auth/confirm?app_only=1&next=%2Fauth%2Faccount%2Fbackup-codes"
            assert verified.post("/auth/account/backup-codes").status_code == 303
            assert "it takes the code of the app" in verified.get(again["Location"]).content.decode()
            verified.post(again["Location"], {"password": factories.PASSWORD, "code": doors.code_of(factor[0])})
            assert verified.get("/auth/account/backup-codes").status_code == 200
            shown = doors.shown_codes(verified.post("/auth/account/backup-codes").content.decode())
        assert len(shown) == 10
        assert set(shown).isdisjoint(factor[1])
        assert BackupCode.objects.filter(used_at__isnull=True).count() == 10

    def test_switching_off_keeps_this_browser_in(self, verified: Client) -> None:
        assert verified.get("/auth/account/second-factor/off").status_code == 200
        assert SecondFactor.objects.count() == 1
        answer = verified.post("/auth/account/second-factor/off")
        assert (answer.status_code, answer["Location"]) == (303, "/auth/account")
        assert not SecondFactor.objects.exists()
        assert verified.get("/admin/").status_code == 200
        assert row(verified).amr == ["pwd"]

    def test_the_policy_keeps_it_on(self, verified: Client, settings: Any) -> None:
        settings.STAFF_TWO_FACTOR = "required"
        assert "/second-factor/off" not in verified.get("/auth/account").content.decode()
        assert verified.get("/auth/account/second-factor/off").status_code == 403
        assert verified.post("/auth/account/second-factor/off").status_code == 403
        assert SecondFactor.objects.count() == 1

    @pytest.mark.parametrize("address", ["second-factor", "second-factor/off", "backup-codes"])
    def test_none_of_it_without_a_fresh_confirmation(self, verified: Client, address: str) -> None:
        before = SecondFactor.objects.values("pk", "batch", "confirmed").get()
        with clock.shift(LATER):
            for answer in (verified.get(f"/auth/account/{address}"), verified.post(f"/auth/account/{address}")):
                assert answer.status_code == 303
                assert answer["Location"].startswith("/auth/confirm?")
        assert SecondFactor.objects.values("pk", "batch", "confirmed").get() == before


class TestOwnPassword:
    """Change, and forgotten."""

    FORM = {"current_password": factories.PASSWORD, "password": NEW_PASSWORD, "again": NEW_PASSWORD}

    def test_change(self, inside: Client, owner: User) -> None:
        other = Client()
        other.force_login(owner)
        answer = inside.post("/auth/account/password", self.FORM)
        assert (answer.status_code, answer["Location"]) == (303, "/auth/account")
        owner.refresh_from_db()
        assert owner.check_password(NEW_PASSWORD)
        assert inside.get("/admin/").status_code == 200
        assert other.get("/admin/").status_code == 302

    @pytest.mark.parametrize(
        ("changes", "words"),
        [
            ({"current_password": "wrong"}, "That is not your present password."),
            ({"password": "password1234", "again": "password1234"}, "one of the most used passwords"),
            ({"again": "something else 12"}, "The two passwords differ."),
            ({"password": factories.PASSWORD, "again": factories.PASSWORD}, "This is the present password."),
        ],
    )
    def test_refusals_are_in_words(self, inside: Client, owner: User, changes: dict[str, str], words: str) -> None:
        page = inside.post("/auth/account/password", {**self.FORM, **changes})
        assert page.status_code == 400
        assert words in page.content.decode()
        assert NEW_PASSWORD not in page.content.decode()
        owner.refresh_from_db()
        assert owner.check_password(factories.PASSWORD)

    def test_forgotten(self, client: Client, owner: User, tables: Any) -> None:
        session = factories.open_admin(self._inside(owner), owner)
        asked = client.post("/auth/reset", {"email": owner.email})
        assert (asked.status_code, asked["Location"]) == (303, "/auth/reset/asked")
        assert client.get("/auth/reset/asked").status_code == 200
        run_due()
        link = self._link()
        answer = client.get(link)
        assert (answer.status_code, answer["Location"]) == (303, "/auth/reset/new")
        token = answer.cookies["reset"].value
        assert token.startswith("pr_")
        page = client.get("/auth/reset/new")
        assert page.status_code == 200
        assert token not in page.content.decode()
        assert page["Referrer-Policy"] == "same-origin"
        weak = client.post("/auth/reset/new", {"password": "password1234", "again": "password1234"})
        assert weak.status_code == 400
        done = client.post("/auth/reset/new", {"password": NEW_PASSWORD, "again": NEW_PASSWORD})
        assert (done.status_code, done["Location"]) == (303, "/auth/reset/done")
        assert client.get("/auth/reset/done").status_code == 200
        assert client.get("/admin/").status_code == 302
        session.refresh_from_db()
        assert session.revoke_reason == "password"
        assert doors.type_password(client, owner, password=NEW_PASSWORD)["Location"] == "/admin/"
        client.get(link)
        used = client.get("/auth/reset/new")
        assert used.status_code == 410
        assert 'href="/auth/reset"' in used.content.decode()

    def test_a_stranger_hears_the_same(self, client: Client, owner: User) -> None:
        known, unknown = (client.post("/auth/reset", {"email": one}) for one in (owner.email, "nobody@example.com"))
        assert (known.status_code, known["Location"]) == (unknown.status_code, unknown["Location"])
        run_due()
        assert Message.objects.count() == 1
        assert PasswordReset.objects.get().user == owner

    @pytest.mark.parametrize("token", ["", "pr_" + "a" * 43, "nonsense"])
    def test_an_unknown_link_sets_nothing(self, client: Client, owner: User, token: str) -> None:
        client.cookies["reset"] = token
        assert client.get("/auth/reset/new").status_code == 404
        form = {"password": NEW_PASSWORD, "again": NEW_PASSWORD}
        assert client.post("/auth/reset/new", form).status_code == 404
        owner.refresh_from_db()
        assert owner.check_password(factories.PASSWORD)

    def _inside(self, owner: User) -> Client:
        browser = Client()
        browser.force_login(owner)
        return browser

    def _link(self) -> str:
        found = re.search(r"http://testserver(/auth/reset/pr_[\w-]{43})", mail.outbox[-1].body)
        assert found
        return found[1]


class TestOwnSessions:
    """Where one is signed in."""

    def test_one_is_ended(self, inside: Client, owner: User) -> None:
        api = factories.sign_in(owner)
        session = Session.objects.get(user=owner, transport="body")
        assert str(session.pk) in inside.get("/auth/account").content.decode()
        inside.post(f"/auth/account/sessions/{session.pk}/end")
        assert api.get("/api/auth/me").json()["code"] == "session_revoked"
        assert inside.get("/admin/").status_code == 200

    def test_a_colleagues_is_not(self, inside: Client) -> None:
        ben = factories.make_user("ben@example.com")
        api = factories.sign_in(ben)
        assert inside.post(f"/auth/account/sessions/{Session.objects.get(user=ben).pk}/end").status_code == 404
        assert api.get("/api/auth/me").status_code == 200

    def test_everywhere_else(self, inside: Client, owner: User) -> None:
        other = Client()
        other.force_login(owner)
        inside.post("/auth/account/sessions/end", {"others": "1"})
        assert (inside.get("/admin/").status_code, other.get("/admin/").status_code) == (200, 302)

    def test_everywhere(self, inside: Client, owner: User) -> None:
        other = Client()
        other.force_login(owner)
        assert inside.post("/auth/account/sessions/end")["Location"] == "/auth/signed-out"
        assert (inside.get("/admin/").status_code, other.get("/admin/").status_code) == (302, 302)
        assert not Session.objects.filter(revoked_at__isnull=True).exists()

    def test_this_one(self, inside: Client) -> None:
        assert inside.post(f"/auth/account/sessions/{row(inside).pk}/end")["Location"] == "/auth/signed-out"
        assert inside.get("/admin/").status_code == 302
