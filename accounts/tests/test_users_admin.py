"""Colleagues in the admin: what wants a fresh confirmation, and that nothing typed is lost on the way."""

from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client

from accounts import selectors
from accounts.actions import users
from accounts.errors import UserExists
from accounts.models import Invite, PasswordReset, SecondFactor, Session, SigningKey, User
from accounts.tests import doors, factories
from audit.models import AuditEvent
from common import clock
from common.actor import Actor
from common.errors import ValidationFailed
from jobs.testing import run_due

pytestmark = pytest.mark.django_db
LATER = 301
INVITE = {"email": "ben@example.com", "roles": ["Editor"], "lifetime_hours": "48", "first_name": "Ben", "last_name": ""}


@pytest.fixture
def staff_client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


@pytest.fixture
def ben(owner: User) -> User:
    return factories.make_user("ben@example.com", held=("Author",), first_name="Ben")


def confirm(client: Client, address: str) -> Any:
    return client.post(address, {"password": factories.PASSWORD})


class TestConfirmationFirst:
    """Buttons and forms with `reauth`."""

    def test_the_form_of_a_new_invitation_comes_after_it(self, staff_client: Client) -> None:
        with clock.shift(LATER):
            asked = staff_client.get("/admin/accounts/invite/add/")
            assert asked["Location"] == "/auth/confirm?next=%2Fadmin%2Faccounts%2Finvite%2Fadd%2F"
            back = confirm(staff_client, asked["Location"])
            assert back["Location"] == "/admin/accounts/invite/add/"
            assert staff_client.get(back["Location"]).status_code == 200

    def test_a_form_sent_too_late_keeps_what_was_typed(self, staff_client: Client) -> None:
        with clock.shift(LATER):
            page = staff_client.post("/admin/accounts/invite/add/", INVITE)
            html = page.content.decode()
            assert page.status_code == 200
            assert 'value="ben@example.com"' in html
            assert 'value="Editor"' in html.split("checked")[0].rsplit("<input", 1)[1]
            assert '<a class="button" href="/auth/confirm" target="_blank"' in html
            assert "first confirm that it is you" in html
            assert not Invite.objects.exists()
            assert "Close this window" in confirm(staff_client, "/auth/confirm").content.decode()
            assert staff_client.post("/admin/accounts/invite/add/", INVITE).status_code == 302
        assert Invite.objects.get().email == "ben@example.com"

    def test_a_button_comes_back_as_a_question(self, staff_client: Client, ben: User) -> None:
        address = f"/admin/accounts/user/{ben.pk}/action/close/"
        with clock.shift(LATER):
            asked = staff_client.post(address)
            assert asked.status_code == 302
            assert asked["Location"].startswith("/auth/confirm?next=%2Fadmin%2Faccounts%2Fuser%2F")
            ben.refresh_from_db()
            assert ben.is_active
            back = confirm(staff_client, asked["Location"])["Location"]
            assert back == address
            question = staff_client.get(back).content.decode()
            assert "Signs the person out everywhere." in question
            ben.refresh_from_db()
            assert ben.is_active
            staff_client.post(back)
        ben.refresh_from_db()
        assert not ben.is_active

    def test_a_button_with_a_form_keeps_its_values(self, staff_client: Client, ben: User) -> None:
        doors.give_factor(ben)
        address = f"/admin/accounts/user/{ben.pk}/action/reset-factor/"
        page = staff_client.get(f"/admin/accounts/user/{ben.pk}/change/").content.decode()
        assert f'href="{address}"' in page
        with clock.shift(LATER):
            assert staff_client.get(address)["Location"].startswith("/auth/confirm?next=")
            late = staff_client.post(address, {"reason": "Ben called me."})
            assert 'value="Ben called me."' in late.content.decode()
            assert SecondFactor.objects.filter(user=ben).exists()
            confirm(staff_client, "/auth/confirm")
            empty = staff_client.post(address, {"reason": ""})
            assert "This field is required." in empty.content.decode()
            assert staff_client.post(address, {"reason": "Ben called me."}).status_code == 302
        assert not SecondFactor.objects.filter(user=ben).exists()
        assert AuditEvent.objects.get(action="2fa.reset_by_admin").reason == "Ben called me."

    def test_only_offered_buttons_are_asked_for(self, staff_client: Client, owner: User, ben: User) -> None:
        assert staff_client.get(f"/admin/accounts/user/{owner.pk}/action/reset-factor/").status_code == 403
        assert staff_client.get(f"/admin/accounts/user/{ben.pk}/action/open/").status_code == 403
        assert staff_client.get(f"/admin/accounts/user/{ben.pk}/action/nonsense/").status_code == 403

    def test_without_the_permission_nothing_is_asked(self, client: Client, ben: User) -> None:
        client.force_login(ben)
        with clock.shift(LATER):
            assert client.get("/admin/accounts/invite/add/").status_code == 403
            assert client.post(f"/admin/accounts/user/{ben.pk}/action/close/").status_code in {302, 403}


class TestEmail:
    """The address is changed by an action."""

    def test_in_the_admin(self, staff_client: Client, ben: User) -> None:
        ben_api = factories.sign_in(ben)
        body = {"email": "Benjamin@Example.com", "roles": ["Author"]}
        assert staff_client.post(f"/admin/accounts/user/{ben.pk}/change/", body).status_code == 302
        ben.refresh_from_db()
        assert ben.email == "benjamin@example.com"
        assert ben_api.get("/api/auth/me").json()["code"] == "session_revoked"
        assert Session.objects.get(user=ben).revoke_reason == "email"
        event = AuditEvent.objects.get(action="user.email_changed")
        assert event.target_id == str(ben.pk)
        run_due()
        assert sorted(one.to[0] for one in mail.outbox) == ["ben@example.com", "benjamin@example.com"]

    def test_one_that_is_taken_is_refused(self, staff_client: Client, owner: User, ben: User) -> None:
        page = staff_client.post(f"/admin/accounts/user/{ben.pk}/change/", {"email": "OWNER@example.com", "roles": []})
        assert page.status_code == 200
        taken = staff_client.post(
            f"/admin/accounts/user/{ben.pk}/change/", {"email": "OWNER@example.com", "roles": ["Sales"]}
        )
        assert "already has an account" in taken.content.decode()
        ben.refresh_from_db()
        assert ben.email == "ben@example.com"
        assert list(ben.groups.values_list("name", flat=True)) == ["Author"]

    def test_links_to_the_old_address_are_dead(self, owner: User, ben: User) -> None:
        now = clock.db_now()
        PasswordReset.objects.create(
            user=ben, token_hash=b"x" * 32, pepper_id="p", created_at=now, expires_at=now + timedelta(hours=1)
        )
        users.change_email(user=ben, email="benjamin@example.com", by=Actor.staff(owner))
        assert PasswordReset.objects.get().superseded_at is not None

    @pytest.mark.parametrize("address", ["", "nonsense", "b\x00n@example.com"])
    def test_what_is_no_address_is_refused(self, owner: User, ben: User, address: str) -> None:
        with pytest.raises(ValidationFailed):
            users.change_email(user=ben, email=address, by=Actor.staff(owner))
        with pytest.raises(UserExists):
            users.change_email(user=ben, email=owner.email, by=Actor.staff(owner))
        ben.refresh_from_db()
        assert ben.email == "ben@example.com"
        assert not AuditEvent.objects.filter(action="user.email_changed").exists()

    def test_the_same_one_changes_nothing(self, owner: User, ben: User) -> None:
        api = factories.sign_in(ben)
        users.change_email(user=ben, email="BEN@example.com", by=Actor.staff(owner))
        assert api.get("/api/auth/me").status_code == 200
        assert not AuditEvent.objects.filter(action="user.email_changed").exists()

    def test_ones_own_keeps_this_browser_in(self, staff_client: Client, owner: User) -> None:
        body = {"email": "boss@example.com", "roles": ["Owner"]}
        assert staff_client.post(f"/admin/accounts/user/{owner.pk}/change/", body).status_code == 302
        assert staff_client.get("/admin/").status_code == 200


def test_signing_a_colleague_out_everywhere(staff_client: Client, ben: User) -> None:
    api, browser = factories.sign_in(ben), Client()
    browser.force_login(ben)
    staff_client.post(f"/admin/accounts/user/{ben.pk}/action/sign-out/")
    assert api.get("/api/auth/me").json()["code"] == "session_revoked"
    assert browser.get("/admin/").status_code == 302
    assert staff_client.get("/admin/").status_code == 200


def test_a_key_whose_private_half_is_elsewhere_is_not_said_to_sign() -> None:
    now = clock.db_now()
    SigningKey.objects.create(kid="elsewhere", public_jwk={}, published_at=now, activates_at=now)
    (state,) = selectors.key_states(now=now)
    assert (state.state, state.about) == (
        "Active",
        "verifies; signs where JWT_PRIVATE_KEY or JWT_KMS_KEY_ID names it",
    )


def test_the_state_of_the_keys(staff_client: Client, client: Client, ben: User) -> None:
    page = staff_client.get("/admin/signing-keys/").content.decode()
    assert "Outside production a shared secret signs" in page
    assert 'href="/admin/signing-keys/"' in staff_client.get("/admin/").content.decode()
    other = Client()
    other.force_login(ben)
    assert other.get("/admin/signing-keys/").status_code == 403
    assert "signing-keys" not in other.get("/admin/").content.decode()
