"""Colleagues at the API: the list, the reset of a second factor, and signing someone out."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from rest_framework.test import APIClient

from accounts.actions import codes, factor_resets
from accounts.models import BackupCode, GuessCounter, SecondFactor, Session, User
from accounts.tests import factories, factors
from accounts.tests.factors import VERIFY, App, answer, challenge, outcome, signed_in
from audit.models import AuditEvent
from common import clock
from common.actor import Actor
from config.rates import Rate
from jobs.testing import run_due
from mail.models import Message

pytestmark = pytest.mark.django_db
USERS = "/api/auth/users"


@pytest.fixture
def ben(ana: App) -> App:
    """An Editor with an app and backup codes."""
    app = factors.colleague()
    factors.give_codes(app.user)
    return app


def reset(client: APIClient, user: User, reason: Any = "lost the phone") -> Any:
    return client.post(f"{USERS}/{user.pk}/2fa/reset", {"reason": reason})


# The list


def test_the_list_shows_everyone_and_how_they_sign_in(ana: App, ben: App) -> None:
    factories.make_user("cy@example.com", held=("Sales", "Author"), is_active=False, first_name="Cy", last_name="Fox")
    listed = signed_in(ana.user).get(USERS)

    assert listed.status_code == 200
    ana.user.refresh_from_db()
    assert ana.user.last_login is not None
    shown = [{**row, "id": ""} for row in listed.json()["data"]]
    assert shown == [
        {
            "id": "",
            "first_name": "Cy",
            "last_name": "Fox",
            "email": "cy@example.com",
            "roles": ["Author", "Sales"],
            "is_active": False,
            "two_factor": {"enabled": False, "methods": []},
            "last_login_at": None,
        },
        {
            "id": "",
            "first_name": "",
            "last_name": "",
            "email": "ben@example.com",
            "roles": ["Editor"],
            "is_active": True,
            "two_factor": {"enabled": True, "methods": ["totp", "backup_code"]},
            "last_login_at": None,
        },
        {
            "id": "",
            "first_name": "",
            "last_name": "",
            "email": "ana@example.com",
            "roles": ["Owner"],
            "is_active": True,
            "two_factor": {"enabled": True, "methods": ["totp"]},
            "last_login_at": ana.user.last_login.strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    ]
    assert listed.json()["data"][1]["id"] == str(ben.user.pk)


def test_the_list_goes_on_by_cursor_at_a_constant_cost(ana: App, django_assert_num_queries: Any) -> None:
    for number in range(4):
        factors.colleague(f"a{number}@example.com")
    client = signed_in(ana.user)
    first = client.get(USERS, {"per_page": 3}).json()
    assert [row["email"] for row in first["data"]] == ["a3@example.com", "a2@example.com", "a1@example.com"]
    second = client.get(first["links"]["next"]).json()
    assert [row["email"] for row in second["data"]] == ["a0@example.com", "ana@example.com"]
    assert second["links"]["next"] is None
    with django_assert_num_queries(5):  # session, permissions of role and user, users, groups
        client.get(USERS)


def test_the_list_wants_its_permission(ana: App, settings: Any, fresh_cache: None) -> None:
    editor = factories.make_user("ed@example.com", held=("Editor",))
    assert outcome(signed_in(editor, amr=["pwd"]).get(USERS)) == (403, "permission_denied")
    assert outcome(APIClient().get(USERS)) == (401, "not_authenticated")
    assert outcome(signed_in(ana.user).get(USERS, {"x": 1})) == (400, "validation_error")
    settings.RATES = {**settings.RATES, "LIST_USERS_USER": Rate(1, 60)}
    settings.CACHES = {**settings.CACHES, "limits": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    client = signed_in(ana.user)
    assert [outcome(client.get(USERS)) for _ in range(2)] == [(200, ""), (429, "rate_limited")]


# The reset


def test_a_reset_takes_everything_away_and_opens_the_window(ana: App, ben: App, mailoutbox: list[Any]) -> None:
    theirs = signed_in(ben.user)
    assert theirs.post("/api/auth/2fa/enroll", {}).status_code == 200
    token = challenge(ben.user)
    answer(VERIFY, token, ben.wrong())
    assert reset(signed_in(ana.user), ben.user).status_code == 204

    assert not SecondFactor.objects.filter(user=ben.user).exists()
    assert not BackupCode.objects.exists()
    assert outcome(theirs.get("/api/auth/me")) == (401, "session_revoked")
    assert Session.objects.get(user=ben.user).revoke_reason == "second_factor"
    assert outcome(answer(VERIFY, token, ben.code())) == (401, "challenge_invalid")
    assert not GuessCounter.objects.filter(rule=codes.IN_A_ROW, count__gt=0).exists()
    ben.user.refresh_from_db()
    assert ben.user.enrollment_open_until is not None
    left = ben.user.enrollment_open_until - clock.db_now()
    assert timedelta(hours=71, minutes=59) < left <= timedelta(hours=72)
    event = AuditEvent.objects.get(action="2fa.reset_by_admin")
    assert (event.actor_id, event.target_id, event.reason) == (str(ana.user.pk), str(ben.user.pk), "lost the phone")
    run_due()
    assert [(sent.to, sent.subject) for sent in mailoutbox] == [([ben.user.email], "Your second factor was reset")]
    assert "72 hours" in mailoutbox[0].body
    assert SecondFactor.objects.filter(user=ana.user).exists()


def test_a_reset_of_someone_without_a_factor_opens_the_window(ana: App) -> None:
    cy = factories.make_user("cy@example.com")
    assert reset(signed_in(ana.user), cy).status_code == 204
    cy.refresh_from_db()
    assert cy.enrollment_open_until is not None


@pytest.mark.parametrize("reason", ["", "   ", None, 5, "x" * 501])
def test_a_reset_wants_a_reason(ana: App, ben: App, reason: Any) -> None:
    refused = reset(signed_in(ana.user), ben.user, reason)
    assert outcome(refused) == (400, "validation_error")
    assert refused.json()["errors"][0]["pointer"] == "#/reason"
    assert SecondFactor.objects.filter(user=ben.user).exists()


def test_nobody_resets_themselves_or_someone_with_more_rights(ana: App, ben: App) -> None:
    assert outcome(reset(signed_in(ana.user), ana.user)) == (403, "cannot_reset_self")
    from_below = Actor.staff(ben.user)
    with pytest.raises(Exception, match="may not grant") as refused:
        factor_resets.reset(user=ana.user, reason="x", by=from_below)
    assert type(refused.value).__name__ == "RoleEscalation"
    assert SecondFactor.objects.count() == 2
    assert not AuditEvent.objects.filter(action="2fa.reset_by_admin").exists()
    assert not Message.objects.exists()


def test_role_escalation_is_answered_at_the_api(ana: App, ben: App) -> None:
    ben.user.user_permissions.add(Permission.objects.get(codename="reset_second_factor"))
    assert outcome(reset(signed_in(ben.user), ana.user)) == (403, "role_escalation")
    assert SecondFactor.objects.filter(user=ana.user).exists()


def test_a_reset_wants_permission_factor_and_an_existing_user(ana: App, ben: App) -> None:
    assert outcome(reset(signed_in(ben.user), ana.user)) == (403, "permission_denied")
    assert outcome(reset(APIClient(), ana.user)) == (401, "not_authenticated")
    client = signed_in(ana.user)
    assert outcome(client.post(f"{USERS}/{uuid.uuid4()}/2fa/reset", {"reason": "x"})) == (404, "not_found")
    Session.objects.update(reauth_amr=["pwd"])
    assert outcome(reset(client, ben.user)) == (403, "reauth_required")
    assert SecondFactor.objects.count() == 2


def test_resets_are_limited_but_not_the_operators(ana: App, ben: App, settings: Any, fresh_cache: None) -> None:
    settings.RATES = {**settings.RATES, "RESET_SECOND_FACTOR_USER": Rate(1, 3600)}
    settings.CACHES = {**settings.CACHES, "limits": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    client = signed_in(ana.user)
    assert [outcome(reset(client, ben.user)) for _ in range(2)] == [(204, ""), (429, "rate_limited")]
    for _ in range(2):
        factor_resets.reset(user=ana.user, reason="last Owner lost the phone", by=Actor.operator())
    assert not SecondFactor.objects.filter(user=ana.user).exists()


# Signing out


def test_a_colleague_is_signed_out_everywhere(ana: App, ben: App) -> None:
    theirs = [signed_in(ben.user) for _ in range(3)]
    token = challenge(ben.user)
    client = signed_in(ana.user)
    done = client.post(f"{USERS}/{ben.user.pk}/sessions/revoke")

    assert (done.status_code, done.json()) == (200, {"revoked": 3})
    assert {outcome(one.get("/api/auth/me")) for one in theirs} == {(401, "session_revoked")}
    assert outcome(answer(VERIFY, token, ben.code())) == (401, "challenge_invalid")
    assert set(Session.objects.filter(user=ben.user).values_list("revoke_reason", flat=True)) == {"revoked_by_admin"}
    event = AuditEvent.objects.get(action="session.revoked_by_admin")
    assert (event.target_id, event.meta) == (str(ben.user.pk), {"revoked": 3})
    assert client.get("/api/auth/me").status_code == 200
    assert client.post(f"{USERS}/{ben.user.pk}/sessions/revoke").json() == {"revoked": 0}


def test_signing_out_wants_its_permission_and_is_limited(ana: App, ben: App, settings: Any, fresh_cache: None) -> None:
    assert outcome(signed_in(ben.user).post(f"{USERS}/{ana.user.pk}/sessions/revoke")) == (403, "permission_denied")
    client = signed_in(ana.user)
    assert outcome(client.post(f"{USERS}/{uuid.uuid4()}/sessions/revoke")) == (404, "not_found")
    settings.RATES = {**settings.RATES, "REVOKE_USER_SESSIONS_USER": Rate(1, 3600)}
    settings.CACHES = {**settings.CACHES, "limits": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
    path = f"{USERS}/{ben.user.pk}/sessions/revoke"
    assert [outcome(client.post(path)) for _ in range(2)] == [(200, ""), (429, "rate_limited")]
