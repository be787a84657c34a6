"""The path of a new colleague, over HTTP: invited, accepted, signed in, renewed, signed out."""

import re
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.models import Invite, Session, User
from accounts.tests import factories
from audit.models import AuditEvent
from mail.models import Message
from mail.secrets_box import opened

pytestmark = pytest.mark.django_db
NEW_PASSWORD = "violet-tractor-lagoon-58"


def link_token(address: str) -> str:
    """The token of the newest invitation's link, as the mail carries it."""
    message = Message.objects.filter(to=address).latest("created_at")
    link = opened(message)["link"]
    found = re.fullmatch(r"http://testserver/auth/invite/(iv_[\w-]{43})", link)
    assert found
    return found[1]


def bearer(access: str) -> dict[str, str]:
    return {"HTTP_AUTHORIZATION": f"Bearer {access}"}


def invite_and_accept(api: APIClient, owner: User) -> None:
    """From the invitation to the account, with one weak password on the way."""
    owner_client = factories.sign_in(owner)

    invited = owner_client.post("/api/auth/invites", {"email": "Ben@Example.com ", "roles": ["Author", "Editor"]})
    assert invited.status_code == 201, invited.json()
    assert invited.json() == {
        "id": str(Invite.objects.get().pk),
        "email": "ben@example.com",
        "roles": ["Editor", "Author"],
        "status": "pending",
        "expires_at": Invite.objects.get().expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "invited_by": {"id": str(owner.pk), "name": "owner@example.com"},
    }
    token = link_token("ben@example.com")

    inspected = api.post("/api/auth/invites/inspect", {"token": token})
    assert inspected.status_code == 200
    assert inspected.json()["email_masked"] == "b•••@example.com"
    assert inspected.json()["password_policy"] == {"min_length": 12, "max_length": 128, "min_score": 3}

    weak = api.post("/api/auth/invites/accept", {"token": token, "password": "password1234"})
    assert (weak.status_code, weak.json()["code"]) == (400, "validation_error")
    assert weak.json()["errors"][0]["pointer"] == "#/password"
    assert weak.json()["errors"][0]["code"] == "password_common"
    assert not User.objects.filter(email="ben@example.com").exists()

    accepted = api.post("/api/auth/invites/accept", {"token": token, "password": NEW_PASSWORD, "first_name": "Ben"})
    assert accepted.status_code == 201
    assert accepted.json()["status"] == "2fa_enrollment_required"
    assert accepted.json()["enrollment_token"].startswith("en_")
    assert accepted.json()["expires_in"] == 600


def test_invite_accept_login_me_refresh_logout(api: APIClient, owner: User) -> None:
    invite_and_accept(api, owner)

    login = api.post("/api/auth/login", {"email": "BEN@example.com", "password": NEW_PASSWORD})
    assert login.status_code == 200
    pair = login.json()
    assert pair["status"] == "authenticated"
    assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 300)
    assert pair["user"]["roles"] == ["Author", "Editor"]
    assert login["Cache-Control"] == "no-store"
    assert login["Referrer-Policy"] == "no-referrer"
    assert {"Origin", "Cookie", "Authorization"} <= set(login["Vary"].split(", "))

    me = api.get("/api/auth/me", **bearer(pair["access"]))
    assert me.status_code == 200
    assert me.json()["email"] == "ben@example.com"
    assert me.json()["session_id"] == pair["session_id"]
    assert me.json()["two_factor"] == {"enabled": False, "methods": []}

    renewed = api.post("/api/auth/refresh", {"refresh": pair["refresh"]})
    assert renewed.status_code == 200
    assert renewed.json()["refresh"] != pair["refresh"]
    assert renewed.json()["session_id"] == pair["session_id"]
    assert Session.objects.get(pk=pair["session_id"]).generation == 1

    out = api.post("/api/auth/logout", {"refresh": renewed.json()["refresh"]})
    assert out.status_code == 204
    for access in (pair["access"], renewed.json()["access"]):
        dead = api.get("/api/auth/me", **bearer(access))
        assert (dead.status_code, dead.json()["code"]) == (401, "session_revoked")
    again = api.post("/api/auth/refresh", {"refresh": renewed.json()["refresh"]})
    assert (again.status_code, again.json()["code"]) == (401, "session_revoked")
    assert api.post("/api/auth/logout", {"refresh": renewed.json()["refresh"]}).status_code == 204


def test_every_act_of_the_flow_is_audited(api: APIClient, owner: User) -> None:
    test_invite_accept_login_me_refresh_logout(api, owner)

    written = list(AuditEvent.objects.order_by("id").values_list("action", "outcome"))
    assert written[-8:] == [
        ("invite.created", "done"),
        ("invite.accept_failed", "refused"),
        ("invite.accepted", "done"),
        ("user.created", "done"),
        ("login.succeeded_first_factor", "done"),
        ("session.created", "done"),
        ("session.refreshed", "done"),
        ("session.logged_out", "done"),
    ]


def test_nothing_that_was_issued_stands_in_the_database(api: APIClient, owner: User, tables: Any) -> None:
    owner_client = factories.sign_in(owner)
    owner_client.post("/api/auth/invites", {"email": "ben@example.com", "roles": ["Editor"]})
    invite_token = link_token("ben@example.com")
    enrolment = api.post("/api/auth/invites/accept", {"token": invite_token, "password": NEW_PASSWORD}).json()
    pair = api.post("/api/auth/login", {"email": "ben@example.com", "password": NEW_PASSWORD}).json()
    renewed = api.post("/api/auth/refresh", {"refresh": pair["refresh"]}).json()
    api.post("/api/auth/login", {"email": "ben@example.com", "password": "wrong-" + NEW_PASSWORD})

    dump = tables()
    assert "ben@example.com" in dump
    for secret in (
        NEW_PASSWORD,
        invite_token,
        enrolment["enrollment_token"],
        pair["refresh"],
        renewed["refresh"],
        pair["access"],
        renewed["access"],
        pair["access"].rsplit(".", 1)[1],
    ):
        assert secret not in dump
