"""A colleague's whole way in HTTP only: invited, accepted, enrolled, signed in, helped by a backup code, signed out."""

import base64
import logging
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Session, User
from accounts.tests import factories
from accounts.tests.factors import App
from accounts.tests.test_flow import NEW_PASSWORD, bearer, link_token
from audit.models import AuditEvent
from common import clock

pytestmark = pytest.mark.django_db
AUTH = "/api/auth"
NAMES = ("access", "refresh")


@pytest.fixture
def walked(
    api: APIClient, owner: User, settings: Any, steady: None, caplog: pytest.LogCaptureFixture
) -> tuple[list[str], str]:
    """Everything secret that was given or shown on the way, and what the log says of it."""
    settings.STAFF_TWO_FACTOR = "required"
    caplog.set_level(logging.DEBUG)
    owner_client = factories.sign_in(owner)
    Session.objects.update(amr=["pwd", "otp"])
    body = {"email": "ben@example.com", "roles": ["Editor"]}
    assert owner_client.post(f"{AUTH}/invites", body).status_code == 201
    invite = link_token("ben@example.com")
    accepted = api.post(f"{AUTH}/invites/accept", {"token": invite, "password": NEW_PASSWORD})
    assert accepted.status_code == 201
    ticket = {"enrollment_token": accepted.json()["enrollment_token"]}

    begun = api.post(f"{AUTH}/2fa/enroll", ticket).json()
    app = App(User.objects.get(email="ben@example.com"), base64.b32decode(begun["secret"]))
    first_code = app.code()
    body = {"enrollment_id": begun["enrollment_id"], "code": first_code, **ticket}
    enrolled = api.post(f"{AUTH}/2fa/enroll/confirm", body).json()
    assert enrolled["status"] == "authenticated"
    assert api.get(f"{AUTH}/me", **bearer(enrolled["access"])).json()["two_factor"]["enabled"] is True

    with clock.shift(30):
        later = walk_on(api, app, enrolled["backup_codes"])
    tokens = [enrolled["access"], enrolled["refresh"]]
    written = [NEW_PASSWORD, invite, ticket["enrollment_token"], begun["secret"], first_code]
    plain = [code.replace("-", "") for code in enrolled["backup_codes"]]
    return [*written, *tokens, *enrolled["backup_codes"], *plain, *later], caplog.text


def walk_on(api: APIClient, app: App, backup_codes: list[str]) -> list[str]:
    """From the second sign-in to the end; returns what was given and shown."""
    credentials = {"email": "ben@example.com", "password": NEW_PASSWORD}
    challenge = api.post(f"{AUTH}/login", credentials).json()["challenge_token"]
    second_code = app.code()
    body = {"challenge_token": challenge, "code": second_code}
    pair = api.post(f"{AUTH}/2fa/verify", body).json()
    renewed = api.post(f"{AUTH}/refresh", {"refresh": pair["refresh"]}).json()
    assert renewed["session_id"] == pair["session_id"]

    other = api.post(f"{AUTH}/login", credentials).json()["challenge_token"]
    body = {"challenge_token": other, "code": backup_codes[0]}
    helped = api.post(f"{AUTH}/2fa/backup/verify", body)
    assert (helped.status_code, helped.json()["backup_codes_remaining"]) == (200, 9)

    listed = api.get(f"{AUTH}/sessions", **bearer(renewed["access"])).json()["data"]
    assert [row["amr"] for row in listed] == [["pwd", "backup"], ["pwd", "otp"], ["pwd", "otp"]]
    gone = f"{AUTH}/sessions/{helped.json()['session_id']}"
    assert api.delete(gone, **bearer(renewed["access"])).status_code == 204
    assert api.get(f"{AUTH}/me", **bearer(helped.json()["access"])).json()["code"] == "session_revoked"
    assert api.post(f"{AUTH}/logout", {"refresh": renewed["refresh"]}).status_code == 204
    assert api.get(f"{AUTH}/me", **bearer(renewed["access"])).json()["code"] == "session_revoked"

    return [challenge, second_code, other, *(one[name] for one in (pair, renewed, helped.json()) for name in NAMES)]


def test_no_secret_of_the_way_stands_in_the_database_or_the_log(walked: tuple[list[str], str], tables: Any) -> None:
    secrets, log = walked
    dump = tables()
    assert "ben@example.com" in dump
    assert "/api/auth/2fa/backup/verify" in log
    long = [secret for secret in secrets if len(secret) > 6]  # six digits stand in many an id
    assert [secret for secret in long if secret in dump] == []
    assert [secret for secret in long if secret in log] == []


def test_every_step_is_in_the_audit(walked: tuple[list[str], str]) -> None:
    named = AuditEvent.objects.exclude(action__in=["roles.synced"]).order_by("id").values_list("action", flat=True)
    assert list(named) == [
        "session.created",
        "invite.created",
        "invite.accepted",
        "user.created",
        "2fa.enroll_started",
        "2fa.enabled",
        "2fa.backup_issued",
        "session.created",
        "login.succeeded_first_factor",
        "2fa.verified",
        "session.created",
        "session.refreshed",
        "login.succeeded_first_factor",
        "2fa.backup_used",
        "session.created",
        "session.revoked",
        "session.logged_out",
    ]
