"""Different acts at the same moment. Each race has its control: what comes out without the lock."""

import threading
import uuid
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts import locks
from accounts.actions import acceptance, invites, password_resets, passwords, users
from accounts.models import Invite, PasswordReset, RefreshToken, Session, User
from accounts.tests import factories
from accounts.tests.factories import PASSWORD
from accounts.tests.factors import outcome
from accounts.tests.test_flow import NEW_PASSWORD, link_token
from accounts.tests.test_passwords import link_token as reset_token
from common import clock
from common.actor import Actor
from common.tests.racing import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.concurrency]
OPERATOR = Actor.operator()


@pytest.fixture
def owner() -> User:
    return factories.make_user("owner@example.com")


@pytest.fixture
def invite(owner: User) -> Invite:
    return invites.create(email="ben@example.com", roles=["Editor"], by=Actor.staff(owner))


def post(path: str, body: dict[str, Any] | None = None, client: APIClient | None = None) -> Callable[[], Any]:
    return lambda: outcome((client or APIClient(raise_request_exception=False)).post(path, body or {}, format="json"))


def accepting(token: str) -> Callable[[], Any]:
    return post("/api/auth/invites/accept", {"token": token, "password": NEW_PASSWORD})


def unlocked(parties: int) -> Callable[[uuid.UUID], Invite]:
    """A read without a lock after which all parties wait for each other: the worst order of events, every time."""
    meeting = threading.Barrier(parties)

    def read(pk: uuid.UUID) -> Invite:
        row = Invite.objects.get(pk=pk)
        meeting.wait(20)
        return row

    return read


class TestInvitations:
    """One invitation, several hands."""

    @pytest.fixture(autouse=True)
    def _many_tries(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(acceptance, "ACCEPT_TRIES_A_TOKEN", 50)  # else the sixth is 429 before it comes to the race

    def test_ten_accepts_make_one_user(self, invite: Invite) -> None:
        results = Counter(at_once(*[accepting(link_token("ben@example.com"))] * 10))

        assert results == {(201, ""): 1, (410, "invite_used"): 9}
        assert User.objects.filter(email="ben@example.com").count() == 1

    def test_without_the_lock_nine_accepts_fail_for_another_reason(
        self, invite: Invite, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control: only the unique address stands between them and ten users."""
        monkeypatch.setattr(locks, "invite", unlocked(10))

        results = Counter(at_once(*[accepting(link_token("ben@example.com"))] * 10))

        assert results == {(201, ""): 1, (409, "user_exists"): 9}

    @pytest.mark.parametrize("attempt", range(3))
    def test_accept_against_revoke(self, owner: User, invite: Invite, attempt: int) -> None:
        client = factories.sign_in(owner)
        revoke = post(f"/api/auth/invites/{invite.pk}/revoke", client=client)

        results = at_once(accepting(link_token("ben@example.com")), revoke)

        accepted, revoked = [(201, ""), (409, "invite_already_accepted")], [(410, "invite_revoked"), (204, "")]
        assert results in (accepted, revoked)
        assert User.objects.filter(email="ben@example.com").exists() == (results == accepted)

    def test_without_the_lock_both_go_on(self, owner: User, invite: Invite, monkeypatch: pytest.MonkeyPatch) -> None:
        """The control: both see a pending invitation; only a constraint of the table stops the second writer."""
        monkeypatch.setattr(locks, "invite", unlocked(2))
        client = factories.sign_in(owner)
        client.raise_request_exception = False
        revoke = post(f"/api/auth/invites/{invite.pk}/revoke", client=client)

        results = at_once(accepting(link_token("ben@example.com")), revoke)

        # Whoever writes last is refused by `invite_accepted_with_time_and_user`, which accept takes for a known user.
        assert results in ([(201, ""), (500, "internal_error")], [(409, "user_exists"), (204, "")])

    @pytest.mark.parametrize("attempt", range(3))
    def test_resend_against_accept(self, owner: User, invite: Invite, attempt: int) -> None:
        resend = post(f"/api/auth/invites/{invite.pk}/resend", client=factories.sign_in(owner))

        results = at_once(accepting(link_token("ben@example.com")), resend)

        accepted, resent = [(201, ""), (409, "invite_not_pending")], [(404, "invite_invalid"), (200, "")]
        assert results in (accepted, resent)
        assert Invite.objects.get().status == ("accepted" if results == accepted else "pending")

    def test_without_the_lock_an_accepted_invitation_is_sent_again(
        self, owner: User, invite: Invite, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control: both succeed, and the user's invitation may be pending still."""
        monkeypatch.setattr(locks, "invite", unlocked(2))
        resend = post(f"/api/auth/invites/{invite.pk}/resend", client=factories.sign_in(owner))

        results = at_once(accepting(link_token("ben@example.com")), resend)

        assert results == [(201, ""), (200, "")]


class TestRefreshAgainst:
    """A refresh that meets the end of its session leaves nothing usable behind."""

    @pytest.fixture
    def pair(self, owner: User) -> dict[str, Any]:
        factories.make_user("second@example.com")
        body = {"email": owner.email, "password": PASSWORD}
        answer: dict[str, Any] = APIClient().post("/api/auth/login", body, format="json").json()
        return answer

    def settle(self, pair: dict[str, Any], other: Callable[[], Any], codes: set[str]) -> Session:
        """Run both; whatever the refresh got is dead afterwards."""

        def renew() -> Any:
            return APIClient().post("/api/auth/refresh", {"refresh": pair["refresh"]}, format="json")

        renewed, _ = at_once(renew, other)
        body = renewed.json()
        assert renewed.status_code == 200 or (renewed.status_code, body["code"]) in {(401, code) for code in codes}
        if renewed.status_code == 200:
            client = APIClient(HTTP_AUTHORIZATION=f"Bearer {body['access']}")
            assert outcome(client.get("/api/auth/me")) in {(401, "session_revoked"), (401, "user_inactive")}
            again = APIClient().post("/api/auth/refresh", {"refresh": body["refresh"]}, format="json")
            assert outcome(again) == (401, "session_revoked")
        session = Session.objects.get(pk=pair["session_id"])
        assert session.revoked_at is not None
        assert RefreshToken.objects.filter(session=session).count() == session.generation + 1
        return session

    @pytest.mark.parametrize("attempt", range(2))
    def test_logout(self, pair: dict[str, Any], attempt: int) -> None:
        session = self.settle(pair, post("/api/auth/logout", {"refresh": pair["refresh"]}), {"session_revoked"})
        assert session.revoke_reason == "logout"

    @pytest.mark.parametrize("attempt", range(2))
    def test_a_password_reset(self, owner: User, pair: dict[str, Any], attempt: int) -> None:
        password_resets.issue(email=owner.email, by=OPERATOR)
        body = {"token": reset_token(), "password": NEW_PASSWORD}
        session = self.settle(pair, post("/api/auth/password/reset/confirm", body), {"session_revoked"})
        assert session.revoke_reason == "password"

    @pytest.mark.parametrize("attempt", range(2))
    def test_the_closing_of_the_account(self, owner: User, pair: dict[str, Any], attempt: int) -> None:
        def close() -> None:
            users.set_active(user=User.objects.get(pk=owner.pk), active=False, by=OPERATOR)

        session = self.settle(pair, close, {"session_revoked", "user_inactive"})
        assert session.revoke_reason == "user_disabled"


class TestPasswords:
    """Two new passwords at once."""

    @pytest.mark.parametrize("attempt", range(3))
    def test_a_change_against_a_reset(self, owner: User, attempt: int) -> None:
        password_resets.issue(email=owner.email, by=OPERATOR)
        client = factories.sign_in(owner)
        change = post(
            "/api/auth/password/change",
            {"current_password": PASSWORD, "new_password": "amber-otter-canyon-31"},
            client=client,
        )
        reset = post("/api/auth/password/reset/confirm", {"token": reset_token(), "password": NEW_PASSWORD})

        results = at_once(change, reset)

        owner.refresh_from_db()
        if results == [(204, ""), (404, "reset_invalid")]:
            assert owner.check_password("amber-otter-canyon-31")
        else:
            # Either the reset came before the change's token was looked at, or between its two looks.
            assert results in ([(401, "session_revoked"), (204, "")], [(401, "invalid_credentials"), (204, "")])
            assert owner.check_password(NEW_PASSWORD)

    def test_one_link_used_ten_times_at_once(self, owner: User) -> None:
        password_resets.issue(email=owner.email, by=OPERATOR)
        body = {"token": reset_token(), "password": NEW_PASSWORD}

        results = Counter(at_once(*[post("/api/auth/password/reset/confirm", body)] * 5))

        assert results == {(204, ""): 1, (410, "reset_used"): 4}

    def test_without_the_lock_the_link_is_used_more_than_once(
        self, owner: User, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The control."""
        meeting = threading.Barrier(3)

        def read(pk: uuid.UUID, *, user_id: uuid.UUID) -> PasswordReset:
            row = PasswordReset.objects.get(pk=pk)
            meeting.wait(20)
            return row

        monkeypatch.setattr(locks, "password_reset", read)
        monkeypatch.setattr(passwords, "replace", lambda **_: None)
        password_resets.issue(email=owner.email, by=OPERATOR)
        body = {"token": reset_token(), "password": NEW_PASSWORD}

        results = Counter(at_once(*[post("/api/auth/password/reset/confirm", body)] * 3))

        assert results == {(204, ""): 3}
        assert PasswordReset.objects.get().used_at < clock.db_now()
