"""What goes wrong underneath: the database, the audit log, a lost answer, a conflict between transactions."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jwt
import pytest
from django.db import OperationalError, connection
from psycopg.errors import DeadlockDetected, SerializationFailure
from rest_framework.test import APIClient

import audit.actions
from accounts import rotation
from accounts.actions import invites, password_resets, users
from accounts.api import answers
from accounts.models import GuessCounter, Invite, PasswordReset, RefreshToken, Session, User
from accounts.tests import factories
from accounts.tests.factories import PASSWORD
from accounts.tests.test_flow import NEW_PASSWORD, link_token
from accounts.tests.test_passwords import link_token as reset_token
from audit.models import AuditEvent
from common.actor import Actor
from common.clock import db_now

LOGIN, REFRESH = "/api/auth/login", "/api/auth/refresh"
OPERATOR = Actor.operator()


def log_in(owner: User) -> dict[str, Any]:
    body = {"email": owner.email, "password": PASSWORD}
    answer: dict[str, Any] = APIClient().post(LOGIN, body, format="json").json()
    return answer


def conflict(kind: type[Exception]) -> OperationalError:
    fault = OperationalError("given up")
    fault.__cause__ = kind("given up")
    return fault


@pytest.mark.django_db(transaction=True)
class TestConflicts:
    """A transaction that PostgreSQL gave up."""

    @pytest.fixture
    def pair(self) -> dict[str, Any]:
        return log_in(factories.make_user("owner@example.com"))

    @pytest.mark.parametrize("kind", [DeadlockDetected, SerializationFailure])
    @pytest.mark.parametrize(("faults", "status"), [(1, 200), (2, 503)])
    def test_it_is_repeated_once(
        self, pair: dict[str, Any], monkeypatch: pytest.MonkeyPatch, kind: type[Exception], faults: int, status: int
    ) -> None:
        real, waiting = rotation.rotate, [conflict(kind) for _ in range(faults)]

        def conflicted(*args: Any, **kwargs: Any) -> bool:
            if waiting:
                raise waiting.pop()
            return real(*args, **kwargs)

        monkeypatch.setattr(rotation, "rotate", conflicted)
        answer = APIClient().post(REFRESH, {"refresh": pair["refresh"]}, format="json")

        assert answer.status_code == status
        assert Session.objects.get().generation == (1 if status == 200 else 0)
        if status == 503:
            assert (answer.json()["code"], answer["Retry-After"]) == ("database_unavailable", "5")
            assert answer.json()["retry_after"] == 5
            again = APIClient().post(REFRESH, {"refresh": pair["refresh"]}, format="json")
            assert again.status_code == 200


@pytest.mark.django_db
def test_an_answer_that_was_lost_is_given_again(api: APIClient, owner: User, monkeypatch: pytest.MonkeyPatch) -> None:
    pair = log_in(owner)
    api.raise_request_exception = False
    with monkeypatch.context() as patch:
        patch.setattr(answers, "tokens", lambda *_: (_ for _ in ()).throw(RuntimeError("the connection is gone")))
        assert api.post(REFRESH, {"refresh": pair["refresh"]}).status_code == 500
    assert Session.objects.get().generation == 1  # committed, and nobody knows the successor

    first = api.post(REFRESH, {"refresh": pair["refresh"]}).json()
    second = api.post(REFRESH, {"refresh": pair["refresh"]}).json()
    assert (first["refresh"], first["refresh_expires_at"]) == (second["refresh"], second["refresh_expires_at"])
    ids = {jwt.decode(one["access"], options={"verify_signature": False})["jti"] for one in (pair, first, second)}
    assert len(ids) == 3
    assert Session.objects.get().generation == 1
    assert api.post(REFRESH, {"refresh": first["refresh"]}).status_code == 200


@pytest.mark.django_db
def test_the_retry_uses_the_pepper_that_the_child_names(api: APIClient, owner: User, settings: Any) -> None:
    pair = log_in(owner)
    old = settings.REFRESH_PEPPERS
    first = api.post(REFRESH, {"refresh": pair["refresh"]}).json()["refresh"]

    settings.REFRESH_PEPPERS = [b"n" * 48, *old]
    assert api.post(REFRESH, {"refresh": pair["refresh"]}).json()["refresh"] == first
    child = api.post(REFRESH, {"refresh": first}).json()["refresh"]
    assert len({row.pepper_id for row in RefreshToken.objects.all()}) == 2

    settings.REFRESH_PEPPERS = [b"n" * 48]
    assert api.post(REFRESH, {"refresh": first}).json()["code"] == "refresh_invalid"
    assert api.post(REFRESH, {"refresh": child}).status_code == 200


@contextmanager
def database_away() -> Iterator[None]:
    """Every query of this connection fails as if the server were gone."""

    def refuse(*_: Any) -> Any:
        raise OperationalError("server closed the connection unexpectedly")

    with connection.execute_wrapper(refuse):
        yield


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("path", "body"),
    [
        (LOGIN, {"email": "owner@example.com", "password": PASSWORD}),
        (REFRESH, {"refresh": "rt_" + "A" * 43}),
        ("/api/auth/logout", {"refresh": "rt_" + "A" * 43}),
        ("/api/auth/invites/inspect", {"token": "iv_" + "A" * 43}),
        ("/api/auth/invites/accept", {"token": "iv_" + "A" * 43, "password": NEW_PASSWORD}),
        ("/api/auth/2fa/verify", {"challenge_token": "ch_" + "A" * 43, "code": "123456"}),
        ("/api/auth/2fa/backup/verify", {"challenge_token": "ch_" + "A" * 43, "code": "7-AAAA-AAAA-AAAA"}),
        ("/api/auth/password/reset", {"email": "owner@example.com"}),
        ("/api/auth/password/reset/confirm", {"token": "pr_" + "A" * 43, "password": NEW_PASSWORD}),
    ],
)
def test_without_the_database_it_is_503_and_no_token(
    api: APIClient, owner: User, path: str, body: dict[str, str]
) -> None:
    with database_away():
        answer = api.post(path, body)

    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert answer["Retry-After"] == str(answer.json()["retry_after"]) == "5"
    assert "access" not in answer.json()
    assert not Session.objects.exists()


@pytest.mark.django_db
def test_a_bearer_without_the_database_is_503(owner: User) -> None:
    client = factories.sign_in(owner)
    with database_away():
        answer = client.get("/api/auth/me")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")


def _change(owner: User) -> Any:
    body = {"current_password": PASSWORD, "new_password": NEW_PASSWORD}
    return factories.sign_in(owner).post("/api/auth/password/change", body)


def _reset(owner: User) -> Any:
    body = {"token": reset_token(), "password": NEW_PASSWORD}
    return APIClient().post("/api/auth/password/reset/confirm", body, format="json")


def _accept(owner: User) -> Any:
    body = {"token": link_token("ben@example.com"), "password": NEW_PASSWORD}
    return APIClient().post("/api/auth/invites/accept", body, format="json")


def _revoke(owner: User) -> Any:
    return factories.sign_in(owner).post(f"/api/auth/invites/{Invite.objects.get().pk}/revoke")


def _resend(owner: User) -> Any:
    return factories.sign_in(owner).post(f"/api/auth/invites/{Invite.objects.get().pk}/resend")


def _invite(owner: User) -> Any:
    body = {"email": "eve@example.com", "roles": ["Editor"]}
    return factories.sign_in(owner).post("/api/auth/invites", body)


def _logout_all(owner: User) -> Any:
    return factories.sign_in(owner).post("/api/auth/logout-all", {})


def _close(owner: User) -> Any:
    users.set_active(user=User.objects.get(email="cleo@example.com"), active=False, by=OPERATOR)


def _roles(owner: User) -> Any:
    users.set_roles(user=User.objects.get(email="cleo@example.com"), roles=["Sales"], by=OPERATOR)


ACTS: dict[str, Callable[[User], Any]] = {
    "password.changed": _change,
    "password.reset_completed": _reset,
    "invite.accepted": _accept,
    "invite.revoked": _revoke,
    "invite.resent": _resend,
    "invite.created": _invite,
    "session.all_revoked": _logout_all,
    "user.deactivated": _close,
    "user.roles_changed": _roles,
}


def state() -> list[Any]:
    return [
        sorted(User.objects.values_list("email", "password", "is_active", "groups__name")),
        sorted(Invite.objects.values_list("email", "status", "expires_at")),
        sorted(PasswordReset.objects.values_list("pk", "used_at", "superseded_at")),
        Session.objects.filter(revoked_at__isnull=False).count(),
        GuessCounter.objects.filter(window_ends_at__isnull=True).count(),
    ]


@pytest.mark.django_db
@pytest.mark.parametrize("event", ACTS)
def test_an_act_that_cannot_be_written_down_does_not_happen(
    owner: User, event: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    factories.make_user("cleo@example.com", held=("Editor",))
    factories.sign_in(owner)
    invites.create(email="ben@example.com", roles=["Editor"], by=Actor.staff(owner))
    password_resets.issue(email=owner.email, by=OPERATOR)
    before, real, written = state(), audit.actions.record, AuditEvent.objects.filter(action=event).count()

    def failing(**values: Any) -> Any:
        if values["action"] == event:
            raise RuntimeError("the audit log is full")
        return real(**values)

    with monkeypatch.context() as patch:
        patch.setattr(audit.actions, "record", failing)
        if event.startswith("user."):
            with pytest.raises(RuntimeError, match="full"):
                ACTS[event](owner)
        else:
            assert ACTS[event](owner).status_code == 500

    assert state() == before
    assert AuditEvent.objects.filter(action=event).count() == written
    ACTS[event](owner)
    assert state() != before


@pytest.mark.django_db
def test_the_cookie_of_https_is_secure_and_prefixed(api: APIClient, owner: User, settings: Any) -> None:
    settings.HTTPS = True
    body = {"email": owner.email, "password": PASSWORD}
    answer = api.post(LOGIN, body, HTTP_X_REFRESH_TRANSPORT="cookie")
    sent = answer.cookies["__Secure-rt"].OutputString()

    value = answer.cookies["__Secure-rt"].value
    parts = {part for part in sent.split("; ") if not part.startswith("expires=")}
    assert parts == {
        f"__Secure-rt={value}", "HttpOnly", "Max-Age=86400", "Path=/api/auth", "SameSite=Strict", "Secure",
    }  # fmt: skip
    headers = {"HTTP_ORIGIN": "http://testserver", "HTTP_X_REQUESTED_WITH": "app"}
    gone = api.post("/api/auth/logout", {}, **headers).cookies["__Secure-rt"]
    assert (gone.value, gone["path"], gone["max-age"], gone["secure"]) == ("", "/api/auth", 0, True)
    assert (gone["httponly"], gone["samesite"]) == (True, "Strict")


@pytest.mark.django_db
def test_logging_out_twice_or_after_the_end_is_204(api: APIClient, owner: User) -> None:
    raw = log_in(owner)["refresh"]
    assert [api.post("/api/auth/logout", {"refresh": raw}).status_code for _ in range(2)] == [204, 204]
    now = db_now()
    Session.objects.update(absolute_expires_at=now, idle_expires_at=now)
    assert api.post("/api/auth/logout", {"refresh": raw}).status_code == 204
    assert AuditEvent.objects.filter(action="session.logged_out").count() == 1


@pytest.mark.django_db
def test_a_failure_is_written_down_though_the_request_fails(
    api: APIClient, owner: User, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        api.post(LOGIN, {"email": owner.email, "password": "wrong"})
    event = AuditEvent.objects.get(action="login.failed")
    assert (event.outcome, event.reason) == ("refused", "")
    assert [one.cause for one in caplog.records if one.message == "login_failed"] == ["wrong"]  # type: ignore[attr-defined]
