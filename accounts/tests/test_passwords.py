"""Changing a password, and setting one by a mailed link."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from accounts.actions import guesses, login_counters, password_resets, passwords
from accounts.constants import AMR_PASSWORD
from accounts.models import EnrollmentToken, GuessCounter, LoginChallenge, PasswordReset, Session, User
from accounts.tests import factories
from accounts.tests.factories import PASSWORD
from audit.models import AuditEvent
from common import clock, tokens
from common.actor import Actor
from config.rates import Rate
from jobs.models import Job
from jobs.testing import run_due
from mail import actions, secrets_box
from mail.models import Message

pytestmark = pytest.mark.django_db
CHANGE, RESET, CONFIRM = "/api/auth/password/change", "/api/auth/password/reset", "/api/auth/password/reset/confirm"
NEW = "violet-tractor-lagoon-58"


def link_token(email: str = "owner@example.com") -> str:
    """The token of the newest reset mail, as its reader finds it."""
    message = Message.objects.filter(template="accounts/password_reset", to=email).order_by("-created_at")[0]
    return str(secrets_box.opened(message)["link"]).rsplit("/", 1)[1]


def ask_for_link(api: APIClient, email: str = "owner@example.com") -> str:
    """Ask, let the job run, and take the link out of the mail before it leaves."""
    assert api.post(RESET, {"email": email}).status_code == 202
    password_resets.issue(email=Job.objects.get(kind=password_resets.JOB).args["email"], by=Actor.system("job"))
    Job.objects.all().delete()
    return link_token(email)


def challenge_of(user: User) -> LoginChallenge:
    now = clock.db_now()
    return LoginChallenge.objects.create(
        user=user, token_hash=b"c" * 32, pepper_id="p", password_fingerprint=b"f" * 32, created_at=now,
        expires_at=now.replace(year=2100),
    )  # fmt: skip


def code_of(answer: Any) -> tuple[int, str]:
    body = answer.json()
    return answer.status_code, body["errors"][0]["code"] if body.get("errors") else body["code"]


class TestChange:
    """By someone who is signed in."""

    @pytest.fixture
    def client(self, owner: User) -> APIClient:
        return factories.sign_in(owner)

    def test_the_own_session_lives_on_and_the_others_end(
        self, api: APIClient, owner: User, client: APIClient, mailoutbox: list[Any]
    ) -> None:
        own = api.post("/api/auth/login", {"email": owner.email, "password": PASSWORD}).json()
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {own['access']}")
        challenge = challenge_of(owner)
        link = ask_for_link(api)

        answer = api.post(CHANGE, {"current_password": PASSWORD, "new_password": NEW})

        assert (answer.status_code, answer.content) == (204, b"")
        assert answer["Cache-Control"] == "no-store"
        assert api.get("/api/auth/me").status_code == 200
        assert code_of(client.get("/api/auth/me")) == (401, "session_revoked")
        assert Session.objects.exclude(pk=own["session_id"]).get().revoke_reason == "password"
        renewed = api.post("/api/auth/refresh", {"refresh": own["refresh"]})
        assert renewed.status_code == 200
        assert renewed.json()["refresh"] != own["refresh"]
        challenge.refresh_from_db()
        assert challenge.superseded_at is not None
        assert code_of(api.post(CONFIRM, {"token": link, "password": NEW + "x"})) == (404, "reset_invalid")
        owner.refresh_from_db()
        assert owner.check_password(NEW)
        event = AuditEvent.objects.get(action="password.changed")
        assert (event.actor_id, event.target_id) == (str(owner.pk), str(owner.pk))
        run_due()
        assert [one.subject for one in mailoutbox if one.to == [owner.email]][-1] == "Your password was changed"

    def test_a_wrong_present_password_changes_nothing(self, owner: User, client: APIClient) -> None:
        answer = client.post(CHANGE, {"current_password": "wrong", "new_password": NEW})

        assert code_of(answer) == (401, "invalid_credentials")
        owner.refresh_from_db()
        assert owner.check_password(PASSWORD)
        assert not AuditEvent.objects.filter(action="password.changed").exists()
        assert client.get("/api/auth/me").status_code == 200

    def test_failures_are_counted_and_successes_not(self, owner: User, client: APIClient, settings: Any) -> None:
        settings.RATES = {**settings.RATES, "CHANGE_PASSWORD_USER": Rate(5, 600)}
        for _ in range(4):
            assert client.post(CHANGE, {"current_password": PASSWORD, "new_password": PASSWORD}).status_code == 400
        for _ in range(5):
            assert client.post(CHANGE, {"current_password": "wrong", "new_password": NEW}).status_code == 401

        refused = client.post(CHANGE, {"current_password": PASSWORD, "new_password": NEW})
        assert code_of(refused) == (429, "rate_limited")
        assert 1 <= int(refused["Retry-After"]) <= 600
        with clock.shift(601 - 300):
            assert client.post(CHANGE, {"current_password": PASSWORD, "new_password": NEW}).status_code in {401, 429}

    @pytest.mark.parametrize(
        ("new", "code"),
        [
            ("", "blank"),
            ("short", "password_too_short"),
            ("x7" * 65, "password_too_long"),
            ("password1234", "password_common"),
            ("qwertyuiopas", "password_too_weak"),
            ("owner@example.com-2", "password_contains_personal"),
            ("the STUDIO tractor 58", "password_contains_personal"),
            (PASSWORD, "password_unchanged"),
            (12345678901, "invalid"),
        ],
    )
    def test_a_bad_new_password_is_400_at_its_field(self, owner: User, client: APIClient, new: Any, code: str) -> None:
        answer = client.post(CHANGE, {"current_password": PASSWORD, "new_password": new})

        assert code_of(answer) == (400, code)
        assert answer.json()["code"] == "validation_error"
        assert answer.json()["errors"][0]["pointer"] == "#/new_password"
        owner.refresh_from_db()
        assert owner.check_password(PASSWORD)

    @pytest.mark.parametrize("new", ["violet-tractor\x00lagoon", "violet-tractor\ud83dlagoon"])
    def test_what_no_hash_takes_is_400(self, owner: User, client: APIClient, new: str) -> None:
        body = json.dumps({"current_password": PASSWORD, "new_password": new})
        answer = client.generic("POST", CHANGE, body, content_type="application/json")

        assert answer.status_code == 400
        owner.refresh_from_db()
        assert owner.check_password(PASSWORD)

    def test_the_same_characters_in_another_form_are_unchanged(self, roles: None) -> None:
        user = factories.make_user("zoe@example.com", password="café-tractor-lagoon-58")
        client = factories.sign_in(user)
        decomposed = "cafe\u0301-tractor-lagoon-58"

        answer = client.post(CHANGE, {"current_password": decomposed, "new_password": decomposed})
        assert code_of(answer) == (400, "password_unchanged")

    @pytest.mark.parametrize("length", [64, 65, 72, 73, 100, 128])
    def test_long_passwords_work(self, owner: User, client: APIClient, length: int) -> None:
        new = ("Zx9!kQ2vLm7@pT4w" * 8)[:length]
        assert client.post(CHANGE, {"current_password": PASSWORD, "new_password": new}).status_code == 204
        owner.refresh_from_db()
        assert owner.check_password(new)
        assert not owner.check_password(new[:-1])

    def test_spaces_are_kept(self, owner: User, client: APIClient) -> None:
        new = "  violet tractor lagoon  "
        assert client.post(CHANGE, {"current_password": PASSWORD, "new_password": new}).status_code == 204
        owner.refresh_from_db()
        assert (owner.check_password(new), owner.check_password(new.strip())) == (True, False)

    def test_it_needs_a_session(self, api: APIClient, owner: User) -> None:
        assert code_of(api.post(CHANGE, {"current_password": PASSWORD, "new_password": NEW})) == (
            401,
            "not_authenticated",
        )

    def test_a_change_that_raced_another_is_refused(self, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
        """The present password was right at the first look and is not any more at the locked one."""
        real = passwords.encoded_new

        def meanwhile(**values: Any) -> str:
            User.objects.filter(pk=owner.pk).update(password="md5$x$y")
            return real(**values)

        monkeypatch.setattr(passwords, "encoded_new", meanwhile)
        client = factories.sign_in(owner)
        answer = client.post(CHANGE, {"current_password": PASSWORD, "new_password": NEW})

        assert code_of(answer) == (401, "invalid_credentials")
        assert User.objects.get().password == "md5$x$y"


class TestRequest:
    """Asking for a link tells nobody anything."""

    def body(self, api: APIClient, email: str) -> tuple[int, bytes, dict[str, str], int]:
        with CaptureQueriesContext(connection) as queries:
            answer = api.post(RESET, {"email": email})
        headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
        return answer.status_code, answer.content, headers, len(queries)

    def test_known_unknown_closed_and_throttled_look_alike(
        self, api: APIClient, owner: User, settings: Any, mailoutbox: list[Any]
    ) -> None:
        settings.RATES = {**settings.RATES, "REQUEST_PASSWORD_RESET_ACCOUNT": Rate(1, 3600)}
        factories.make_user("gone@example.com", is_active=False)
        no_password = factories.make_user("none@example.com")
        no_password.set_unusable_password()
        no_password.save()
        seen = [self.body(api, "owner@example.com")]
        assert not Message.objects.exists()  # nothing is mailed inside the request
        assert run_due() >= 1
        assert len(mailoutbox) == 1
        seen += [
            self.body(api, email)
            for email in ("owner@example.com", "nobody@example.com", "gone@example.com", "none@example.com")
        ]

        assert seen == [seen[0]] * 5
        assert (seen[0][0], seen[0][1]) == (202, b'{"status":"accepted"}')
        run_due()
        assert sorted(one.to[0] for one in mailoutbox) == ["none@example.com", "owner@example.com"]
        assert Job.objects.filter(kind=password_resets.JOB).exclude(state="done").count() == 0

    def test_the_account_gets_three_links_an_hour(self, api: APIClient, owner: User, settings: Any) -> None:
        settings.RATES = {**settings.RATES, "REQUEST_PASSWORD_RESET_ACCOUNT": Rate(3, 3600)}
        for _ in range(5):
            assert api.post(RESET, {"email": " Owner@Example.com "}).status_code == 202
        run_due()
        assert PasswordReset.objects.count() == 3
        with clock.shift(3601):
            api.post(RESET, {"email": owner.email})
            run_due()
        assert PasswordReset.objects.count() == 4

    def test_the_address_of_the_caller_is_limited(
        self, api: APIClient, owner: User, settings: Any, fresh_cache: None
    ) -> None:
        settings.RATES = {**settings.RATES, "REQUEST_PASSWORD_RESET_IP": Rate(2, 3600)}
        assert [api.post(RESET, {"email": f"a{n}@example.com"}).status_code for n in range(3)] == [202, 202, 429]

    def test_no_link_goes_to_an_address_that_was_changed_meanwhile(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rated = guesses.rated

        def meanwhile(**given: Any) -> Any:
            User.objects.filter(pk=owner.pk).update(email="new@example.com")
            return rated(**given)

        monkeypatch.setattr(guesses, "rated", meanwhile)
        assert password_resets.issue(email=owner.email, by=Actor.system("job")) is None
        assert not PasswordReset.objects.exists()
        assert not Message.objects.exists()

    def test_the_audit_names_the_user_and_no_strangers_address(self, api: APIClient, owner: User) -> None:
        api.post(RESET, {"email": owner.email})
        api.post(RESET, {"email": "stranger@example.com"})

        known, unknown = AuditEvent.objects.filter(action="password.reset_requested").order_by("at")
        assert (known.target_type, known.target_id) == ("accounts.user", str(owner.pk))
        assert (unknown.target_type, unknown.target_id) == (
            "email",
            tokens.derive("audit-email", "stranger@example.com").hex(),
        )
        assert (known.actor_kind, unknown.actor_kind) == ("system", "system")

    @pytest.mark.parametrize("email", ["", "nonsense", "MİKE@example.com", "a\x00@example.com"])
    def test_what_is_no_address_is_400(self, api: APIClient, db: None, email: str) -> None:
        assert api.post(RESET, {"email": email}).status_code == 400
        assert not Job.objects.exists()

    def test_the_mail_goes_to_the_stored_address_with_the_configured_host(
        self, api: APIClient, owner: User, mailoutbox: list[Any], settings: Any
    ) -> None:
        settings.ALLOWED_HOSTS = ["*"]
        api.post(RESET, {"email": "OWNER@EXAMPLE.COM"}, HTTP_HOST="evil.example")
        run_due()

        (sent,) = mailoutbox
        assert sent.to == ["owner@example.com"]
        assert sent.subject == "Set a new password"
        for part in (sent.body, sent.alternatives[0][0]):
            assert "http://testserver/auth/reset/pr_" in part
            assert "60 minutes" in part
            assert "evil.example" not in part

    def test_send_again_mails_another_link(self, api: APIClient, owner: User) -> None:
        first = ask_for_link(api)
        with clock.shift(1):
            actions.resend(message=Message.objects.get(), by=Actor.staff(owner))
        assert link_token() != first
        assert PasswordReset.objects.count() == 2


class TestConfirm:
    """Using the link."""

    def test_it_sets_the_password_and_ends_everything_but_the_lock(
        self, api: APIClient, owner: User, tables: Callable[[], str]
    ) -> None:
        client = factories.sign_in(owner)
        challenge = challenge_of(owner)
        token = ask_for_link(api)
        key = login_counters.account_key(address=owner.email)
        GuessCounter.objects.create(rule="login_in_a_row", key=key, count=101, updated_at=clock.db_now())
        locked = api.post("/api/auth/login", {"email": owner.email, "password": PASSWORD}, REMOTE_ADDR="192.0.2.9")
        assert locked.status_code == 401
        assert token not in tables()

        answer = api.post(CONFIRM, {"token": token, "password": NEW})

        assert (answer.status_code, answer.content) == (204, b"")
        assert code_of(client.get("/api/auth/me")) == (401, "session_revoked")
        assert Session.objects.get().revoke_reason == "password"
        challenge.refresh_from_db()
        assert challenge.superseded_at is not None
        event = AuditEvent.objects.get(action="password.reset_completed")
        assert (event.actor_kind, event.target_id) == ("system", str(owner.pk))
        assert Message.objects.filter(template="accounts/password_changed", to=owner.email).count() == 1
        body = {"email": owner.email, "password": NEW}
        assert api.post("/api/auth/login", body, REMOTE_ADDR="192.0.2.9").status_code == 200
        assert NEW not in tables()

    def test_it_works_once(self, api: APIClient, owner: User) -> None:
        token = ask_for_link(api)
        assert api.post(CONFIRM, {"token": token, "password": NEW}).status_code == 204
        assert code_of(api.post(CONFIRM, {"token": token, "password": NEW + "!"})) == (410, "reset_used")
        owner.refresh_from_db()
        assert owner.check_password(NEW)

    def test_of_two_links_the_first_used_ends_the_other(self, api: APIClient, owner: User) -> None:
        oldest, newest = ask_for_link(api), ask_for_link(api)
        assert oldest != newest

        assert api.post(CONFIRM, {"token": oldest, "password": NEW}).status_code == 204
        assert code_of(api.post(CONFIRM, {"token": newest, "password": NEW + "!"})) == (404, "reset_invalid")

    def test_it_expires_after_sixty_minutes(self, api: APIClient, owner: User) -> None:
        token = ask_for_link(api)
        with clock.shift(3601):
            assert code_of(api.post(CONFIRM, {"token": token, "password": NEW})) == (410, "reset_expired")
        with clock.shift(3590):
            assert api.post(CONFIRM, {"token": token, "password": NEW}).status_code == 204

    @pytest.mark.parametrize(
        "spoil", [lambda raw: raw[:-1], lambda raw: raw.swapcase(), lambda _: "pr_" + "A" * 10_000]
    )
    def test_an_unknown_link_is_404_and_costs_no_hash(
        self, api: APIClient, owner: User, spoil: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        token = ask_for_link(api)
        monkeypatch.setattr(passwords, "encoded_new", lambda **_: pytest.fail("judged for a stranger"))

        assert code_of(api.post(CONFIRM, {"token": spoil(token), "password": NEW})) == (404, "reset_invalid")

    def test_a_closed_account_sets_none(self, api: APIClient, owner: User) -> None:
        token = ask_for_link(api)
        User.objects.update(is_active=False)
        assert code_of(api.post(CONFIRM, {"token": token, "password": NEW})) == (404, "reset_invalid")

    def test_a_bad_password_uses_nothing_up_and_the_sixth_try_is_429(self, api: APIClient, owner: User) -> None:
        token = ask_for_link(api)
        for bad in ("short", PASSWORD, "owner@example.com!", "password1234", "a" * 129):
            answer = api.post(CONFIRM, {"token": token, "password": bad})
            assert answer.status_code == 400
            assert answer.json()["errors"][0]["pointer"] == "#/password"
        assert code_of(api.post(CONFIRM, {"token": token, "password": NEW})) == (429, "rate_limited")
        assert PasswordReset.objects.get().used_at is None
        owner.refresh_from_db()
        assert owner.check_password(PASSWORD)

    def test_it_neither_signs_in_nor_opens_an_enrolment(self, api: APIClient, owner: User) -> None:
        token = ask_for_link(api)
        answer = api.post(CONFIRM, {"token": token, "password": NEW})
        assert (answer.content, answer.cookies) == (b"", {})
        assert not Session.objects.exists()
        assert not EnrollmentToken.objects.exists()
        owner.refresh_from_db()
        assert owner.enrollment_open_until is None

    def test_a_session_that_opens_meanwhile_needs_the_new_password(self, api: APIClient, owner: User) -> None:
        stale = User.objects.get(pk=owner.pk)
        api.post(CONFIRM, {"token": ask_for_link(api), "password": NEW})
        from_before = pytest.raises(Exception, match="wrong")
        with from_before:
            factories.sign_in(stale)
        assert not Session.objects.filter(revoked_at__isnull=True, amr=[AMR_PASSWORD]).exists()
