"""Renewal: one successor, a retry that repeats it, and a reuse that ends the family."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.actions import users
from accounts.models import RefreshToken, Session, User
from accounts.tests import factories
from accounts.tests.factories import PASSWORD
from audit.models import AuditEvent
from common import clock
from common.actor import Actor
from mail.models import Message

pytestmark = pytest.mark.django_db
REFRESH = "/api/auth/refresh"


@pytest.fixture
def pair(api: APIClient, owner: User) -> dict[str, Any]:
    body: dict[str, Any] = api.post("/api/auth/login", {"email": owner.email, "password": PASSWORD}).json()
    return body


def refresh(api: APIClient, raw: str) -> Any:
    return api.post(REFRESH, {"refresh": raw})


def test_a_retry_within_grace_repeats_the_successor_and_its_expiry(api: APIClient, pair: dict[str, Any]) -> None:
    first = refresh(api, pair["refresh"]).json()
    second = refresh(api, pair["refresh"]).json()

    assert second["refresh"] == first["refresh"]
    assert second["refresh_expires_at"] == first["refresh_expires_at"]
    assert second["access"] != first["access"]
    assert Session.objects.get().generation == 1
    assert RefreshToken.objects.get(generation=0).retries == 1
    assert RefreshToken.objects.count() == 2
    assert AuditEvent.objects.filter(action="session.refresh_retried").count() == 1


def test_a_replay_after_grace_ends_the_family_alone(api: APIClient, owner: User, pair: dict[str, Any]) -> None:
    other = factories.sign_in(owner)
    child = refresh(api, pair["refresh"]).json()

    with clock.shift(11):
        reused = refresh(api, pair["refresh"])
        assert (reused.status_code, reused.json()["code"]) == (401, "refresh_reused")
        after = refresh(api, child["refresh"])
        assert (after.status_code, after.json()["code"]) == (401, "session_revoked")
        assert other.get("/api/auth/me").status_code == 200
        assert refresh(api, pair["refresh"]).json()["code"] == "session_revoked"

    session = Session.objects.get(pk=pair["session_id"])
    assert session.revoke_reason == "reuse"
    assert AuditEvent.objects.filter(action="session.reuse_detected").count() == 1
    assert list(Message.objects.values_list("template", "to")) == [("accounts/session_reused", owner.email)]


def test_a_grandparent_is_reuse_even_within_grace(api: APIClient, pair: dict[str, Any]) -> None:
    child = refresh(api, pair["refresh"]).json()
    refresh(api, child["refresh"])

    assert refresh(api, pair["refresh"]).json()["code"] == "refresh_reused"
    assert Session.objects.get().revoke_reason == "reuse"


def test_strict_mode_has_no_grace(api: APIClient, pair: dict[str, Any], settings: Any) -> None:
    settings.REFRESH_GRACE_SECONDS = 0

    assert refresh(api, pair["refresh"]).status_code == 200
    assert refresh(api, pair["refresh"]).json()["code"] == "refresh_reused"


def _changed(raw: str) -> str:
    return raw[:-2] + ("A" if raw[-2] != "A" else "B") + raw[-1]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: "rt_" + "A" * 43,
        lambda raw: raw[:-1],
        lambda raw: raw + "=",
        lambda raw: raw.swapcase(),
        _changed,
        lambda raw: "",
        lambda raw: "rt_" + "A" * 10_000,
        lambda raw: "en_" + raw[3:],
    ],
)
def test_an_unknown_token_is_invalid_and_ends_nothing(api: APIClient, pair: dict[str, Any], spoil: Any) -> None:
    answer = refresh(api, spoil(pair["refresh"]))

    assert answer.status_code in {400, 401}
    assert answer.json()["code"] in {"refresh_invalid", "validation_error"}
    session = Session.objects.get()
    assert (session.generation, session.revoked_at) == (0, None)


def test_an_access_token_is_no_refresh_token(api: APIClient, pair: dict[str, Any]) -> None:
    answer = refresh(api, pair["access"])

    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_invalid")


def test_idle_expiry(api: APIClient, pair: dict[str, Any]) -> None:
    with clock.shift(24 * 3600 + 1):
        answer = refresh(api, pair["refresh"])

    assert (answer.status_code, answer.json()["code"]) == (401, "refresh_expired")
    assert Session.objects.get().revoked_at is None


def test_refreshing_never_passes_the_absolute_expiry(api: APIClient, pair: dict[str, Any]) -> None:
    raw = pair["refresh"]
    end = Session.objects.get().absolute_expires_at
    for day in range(1, 8):
        with clock.shift(day * 23.5 * 3600):
            raw = refresh(api, raw).json()["refresh"]
    session = Session.objects.get()
    assert session.generation == 7
    assert session.absolute_expires_at == end
    assert session.idle_expires_at == end
    with clock.shift(7 * 24 * 3600 + 1):
        assert refresh(api, raw).json()["code"] == "refresh_expired"


def test_a_closed_account_is_out_at_once(api: APIClient, owner: User, pair: dict[str, Any]) -> None:
    factories.make_user("second@example.com")
    users.set_active(user=owner, active=False, by=Actor.operator())

    me = api.get("/api/auth/me", HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    assert (me.status_code, me.json()["code"]) == (401, "user_inactive")
    assert refresh(api, pair["refresh"]).json()["code"] == "session_revoked"
    assert Session.objects.get().revoke_reason == "user_disabled"


def test_signing_away_uses_nothing_up(api: APIClient, pair: dict[str, Any], settings: Any) -> None:
    settings.PRODUCTION = True  # RS256, and no key was ever made
    answer = refresh(api, pair["refresh"])
    assert (answer.status_code, answer.json()["code"]) == (503, "signing_unavailable")
    assert answer["Retry-After"] == "5"
    assert Session.objects.get().generation == 0

    settings.PRODUCTION = False
    with clock.shift(600):
        assert refresh(api, pair["refresh"]).status_code == 200


class TestCookie:
    """The refresh token in a cookie that only /api/auth sees."""

    headers = {"HTTP_ORIGIN": "http://testserver", "HTTP_X_REQUESTED_WITH": "app"}

    @pytest.fixture
    def login(self, api: APIClient, owner: User) -> Any:
        body = {"email": owner.email, "password": PASSWORD}
        return api.post("/api/auth/login", body, HTTP_X_REFRESH_TRANSPORT="cookie")

    def test_the_cookie_and_its_attributes(self, login: Any) -> None:
        assert "refresh" not in login.json()
        cookie = login.cookies["rt"]
        assert cookie.value.startswith("rt_")
        assert (cookie["path"], cookie["httponly"], cookie["samesite"]) == ("/api/auth", True, "Strict")
        assert cookie["max-age"] == 24 * 3600
        assert cookie["domain"] == ""

    def test_refresh_and_logout_by_cookie(self, api: APIClient, login: Any) -> None:
        first = login.cookies["rt"].value
        renewed = api.post(REFRESH, {}, **self.headers)
        assert renewed.status_code == 200
        assert "refresh" not in renewed.json()
        assert renewed.cookies["rt"].value not in {first, ""}

        out = api.post("/api/auth/logout", {}, **self.headers)
        assert out.status_code == 204
        assert (out.cookies["rt"].value, out.cookies["rt"]["path"]) == ("", "/api/auth")
        assert Session.objects.get().revoke_reason == "logout"

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"HTTP_ORIGIN": "http://testserver"},
            {"HTTP_X_REQUESTED_WITH": "app"},
            {"HTTP_ORIGIN": "http://evil.example", "HTTP_X_REQUESTED_WITH": "app"},
            {"HTTP_ORIGIN": "null", "HTTP_X_REQUESTED_WITH": "app"},
        ],
    )
    def test_without_proof_nothing_is_used_up(self, api: APIClient, login: Any, headers: dict[str, str]) -> None:
        for path in (REFRESH, "/api/auth/logout"):
            refused = api.post(path, {}, **headers)
            assert (refused.status_code, refused.json()["code"]) == (403, "csrf_failed")
        session = Session.objects.get()
        assert (session.generation, session.revoked_at) == (0, None)

    def test_the_transport_stays(self, api: APIClient, login: Any, owner: User) -> None:
        in_body = api.post(REFRESH, {"refresh": login.cookies["rt"].value})
        assert (in_body.status_code, in_body.json()["code"]) == (401, "refresh_invalid")

        body = {"email": owner.email, "password": PASSWORD}
        api.cookies["rt"] = api.post("/api/auth/login", body).json()["refresh"]
        by_cookie = api.post(REFRESH, {}, **self.headers)
        assert (by_cookie.status_code, by_cookie.json()["code"]) == (401, "refresh_invalid")

    def test_an_unknown_transport_is_400(self, api: APIClient, owner: User) -> None:
        body = {"email": owner.email, "password": PASSWORD}
        refused = api.post("/api/auth/login", body, HTTP_X_REFRESH_TRANSPORT="smoke")
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (400, "invalid_choice")
        assert not Session.objects.exists()
