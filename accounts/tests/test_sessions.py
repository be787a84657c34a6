"""One's own sessions: listed, ended one by one or all at once."""

import uuid
from typing import Any

import pytest
from django.conf import settings as django_settings
from rest_framework.test import APIClient

from accounts.models import Session, User
from accounts.tests import factories
from audit.models import AuditEvent
from common import clock

pytestmark = pytest.mark.django_db
SESSIONS = "/api/auth/sessions"


def session_id(client: APIClient) -> str:
    return str(client.get("/api/auth/me").json()["session_id"])


def test_the_list_shows_open_sessions_of_the_user_alone(owner: User) -> None:
    factories.staff("Editor")
    first, second = factories.sign_in(owner), factories.sign_in(owner)
    ended = factories.sign_in(owner)
    ended.post("/api/auth/logout")

    answer = second.get(SESSIONS)
    assert answer.status_code == 200
    rows = answer.json()["data"]
    assert [(row["id"], row["current"]) for row in rows] == [(session_id(second), True), (session_id(first), False)]
    assert set(rows[0]) == {"id", "created_at", "last_used_at", "ip_last", "user_agent", "current", "amr"}
    assert rows[0]["amr"] == ["pwd"]


def test_a_session_is_ended_by_its_owner_alone(owner: User) -> None:
    first, second = factories.sign_in(owner), factories.sign_in(owner)
    _, stranger = factories.staff("Editor")
    path = f"{SESSIONS}/{session_id(first)}"

    for answer in (stranger.delete(path), second.delete(f"{SESSIONS}/{uuid.uuid4()}")):
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert first.get("/api/auth/me").status_code == 200
    assert [second.delete(path).status_code for _ in range(2)] == [204, 204]
    assert first.get("/api/auth/me").json()["code"] == "session_revoked"
    assert AuditEvent.objects.filter(action="session.revoked").count() == 1


@pytest.mark.parametrize(("keep", "revoked", "own"), [(True, 2, 200), (False, 3, 401)])
def test_signing_out_everywhere(owner: User, keep: bool, revoked: int, own: int) -> None:
    clients = [factories.sign_in(owner) for _ in range(3)]
    _, other = factories.staff("Editor")

    answer = clients[0].post("/api/auth/logout-all", {"keep_current": keep})
    assert (answer.status_code, answer.json()) == (200, {"revoked": revoked})
    assert clients[0].get("/api/auth/me").status_code == own
    assert [client.get("/api/auth/me").status_code for client in clients[1:]] == [401, 401]
    assert other.get("/api/auth/me").status_code == 200
    assert AuditEvent.objects.get(action="session.all_revoked").meta == {"revoked": revoked}


def test_keep_current_is_a_boolean(owner: User) -> None:
    answer = factories.sign_in(owner).post("/api/auth/logout-all", {"keep_current": "true"})

    assert answer.status_code == 400
    assert Session.objects.filter(revoked_at__isnull=True).count() == 1


def test_logout_by_an_expired_bearer_still_ends_the_session(api: APIClient, owner: User) -> None:
    client = factories.sign_in(owner)
    with clock.shift(400):
        assert client.post("/api/auth/logout").status_code == 204
    assert Session.objects.get().revoke_reason == "logout"
    assert AuditEvent.objects.get(action="session.logged_out").actor_id == str(owner.pk)


@pytest.mark.parametrize("body", [{}, {"refresh": "rt_" + "A" * 43}, {"refresh": "nonsense"}])
def test_logout_without_anything_of_worth_is_204(api: APIClient, owner: User, body: dict[str, Any]) -> None:
    factories.sign_in(owner)
    answer = api.post("/api/auth/logout", body, HTTP_AUTHORIZATION="Bearer nonsense")

    assert answer.status_code == 204
    assert Session.objects.get().revoked_at is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "/api/auth/me"),
        ("get", SESSIONS),
        ("delete", f"{SESSIONS}/{uuid.UUID(int=1)}"),
        ("post", "/api/auth/logout-all"),
        ("post", "/api/auth/reauthenticate"),
        ("post", "/api/auth/invites"),
        ("get", "/api/auth/invites"),
        ("post", f"/api/auth/invites/{uuid.UUID(int=1)}/resend"),
        ("post", f"/api/auth/invites/{uuid.UUID(int=1)}/revoke"),
    ],
)
def test_without_a_token_it_is_401(api: APIClient, db: None, method: str, path: str) -> None:
    answer = getattr(api, method)(path)

    assert (answer.status_code, answer.json()["code"]) == (401, "not_authenticated")
    assert answer.json()["type"] == f"{django_settings.PUBLIC_URL}/docs/errors/not_authenticated"


def test_the_admin_cookie_is_no_credential_of_the_api(client: Any, owner: User) -> None:
    client.force_login(owner)

    assert client.get("/api/auth/me").status_code == 401
