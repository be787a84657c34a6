"""Invitations: who may invite for what, and every way that a link can end."""

import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from rest_framework.test import APIClient

from accounts.actions import acceptance, invites, users
from accounts.constants import ROLES
from accounts.errors import CannotCloseSelf, LastOwner, RoleEscalation
from accounts.models import Invite, Session, User
from accounts.tests import factories
from accounts.tests.factories import PASSWORD
from accounts.tests.test_flow import NEW_PASSWORD, link_token
from audit.models import AuditEvent
from common import clock
from common.actor import Actor
from config.rates import Rate
from mail.models import Message

pytestmark = pytest.mark.django_db
INVITES = "/api/auth/invites"
BODY = {"email": "ben@example.com", "roles": ["Editor"]}


@pytest.fixture
def client(owner: User) -> APIClient:
    return factories.sign_in(owner)


def accept(api: APIClient, token: str, **values: Any) -> tuple[int, str]:
    answer = api.post(f"{INVITES}/accept", {"token": token, "password": NEW_PASSWORD, **values})
    return answer.status_code, answer.json().get("code", "")


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("role", ["Editor", "Author", "Sales", "Auditor"])
def test_only_owners_may_invite(roles: None, role: str) -> None:
    _, client = factories.staff(role)

    assert refused(client.post(INVITES, BODY)) == (403, "permission_denied")
    assert refused(client.get(INVITES)) == (403, "permission_denied")
    assert not Invite.objects.exists()


def test_nobody_grants_what_they_lack(roles: None) -> None:
    user, client = factories.staff("Sales")
    group = Group.objects.create(name="Inviters")
    group.permissions.add(*Group.objects.get(name="Owner").permissions.filter(codename="invite_staff"))
    user.groups.add(group)

    assert refused(client.post(INVITES, BODY)) == (403, "role_escalation")
    assert not Invite.objects.exists()
    assert not Message.objects.exists()
    assert client.post(INVITES, {**BODY, "roles": ["Sales"]}).status_code == 201


def test_a_recent_sign_in_is_asked_for(api: APIClient, owner: User, client: APIClient) -> None:
    with clock.shift(298):
        assert refused(client.post(INVITES, {**BODY, "roles": ["None"]})) == (400, "validation_error")
    Session.objects.update(reauth_at=clock.db_now() - timedelta(seconds=301))
    assert refused(client.post(INVITES, BODY)) == (403, "reauth_required")
    assert client.get(INVITES).status_code == 200
    wrong = client.post("/api/auth/reauthenticate", {"password": "not-it"})
    assert refused(wrong) == (401, "invalid_credentials")
    assert refused(client.post(INVITES, BODY)) == (403, "reauth_required")

    assert client.post("/api/auth/reauthenticate", {"password": PASSWORD}).status_code == 200
    assert client.post(INVITES, BODY).status_code == 201
    assert list(AuditEvent.objects.filter(action__startswith="reauth").order_by("id").values_list("action")) == [
        ("reauth.failed",),
        ("reauth.succeeded",),
    ]


def test_wrong_confirmations_are_limited(client: APIClient, settings: Any) -> None:
    settings.RATES = {**settings.RATES, "REAUTHENTICATE_USER": Rate(2, 300)}

    for _ in range(2):
        assert client.post("/api/auth/reauthenticate", {"password": "no"}).status_code == 401
    assert client.post("/api/auth/reauthenticate", {"password": PASSWORD}).status_code == 429


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"roles": []}, "#/roles", "empty"),
        ({"roles": ["King"]}, "#/roles", "invalid_choice"),
        ({"email": "\u212aate@example.com"}, "#/email", "email_unsupported"),
        ({"expires_in_hours": 169}, "#/expires_in_hours", "max_value"),
        ({"expires_in_hours": 0}, "#/expires_in_hours", "min_value"),
        ({"is_superuser": True}, "#/is_superuser", "unknown_field"),
    ],
)
def test_malformed_invitations(client: APIClient, changes: dict[str, Any], pointer: str, code: str) -> None:
    answer = client.post(INVITES, {**BODY, **changes})

    assert answer.status_code == 400
    assert [(fault["pointer"], fault["code"]) for fault in answer.json()["errors"]] == [(pointer, code)]
    assert not Invite.objects.exists()


def test_an_address_has_one_account_and_one_open_invitation(client: APIClient, owner: User) -> None:
    assert refused(client.post(INVITES, {**BODY, "email": "Owner@example.com"})) == (409, "user_exists")
    first = client.post(INVITES, BODY).json()
    again = client.post(INVITES, {**BODY, "email": "BEN@example.com"})
    assert refused(again) == (409, "invite_pending")
    assert again.json()["invite_id"] == first["id"]
    assert Invite.objects.count() == Message.objects.count() == 1

    with clock.shift(72 * 3600 + 1):
        Session.objects.update(idle_expires_at=clock.db_now() + timedelta(hours=1), reauth_at=clock.db_now())
        fresh = factories.sign_in(owner)
        assert fresh.post(INVITES, BODY).status_code == 201
        assert [one["status"] for one in fresh.get(INVITES).json()["data"]] == ["pending", "expired"]


def test_resend_kills_the_old_link(api: APIClient, client: APIClient) -> None:
    invite = client.post(INVITES, {**BODY, "expires_in_hours": 24}).json()
    old = link_token("ben@example.com")

    with clock.shift(24 * 3600 + 1):
        assert accept(api, old) == (410, "invite_expired")
        resent = factories.sign_in(User.objects.get()).post(f"{INVITES}/{invite['id']}/resend")
        assert resent.status_code == 200
        assert resent.json()["status"] == "pending"
        assert resent.json()["expires_at"] > invite["expires_at"]
        new = link_token("ben@example.com")
        assert accept(api, old) == (404, "invite_invalid")
        assert accept(api, new) == (201, "")
        assert accept(api, new) == (410, "invite_used")
        owner_client = factories.sign_in(User.objects.get(email="owner@example.com"))
        assert refused(owner_client.post(f"{INVITES}/{invite['id']}/resend")) == (409, "invite_not_pending")
        assert refused(owner_client.post(f"{INVITES}/{invite['id']}/revoke")) == (409, "invite_already_accepted")


def test_revoke_is_idempotent_and_final(api: APIClient, client: APIClient) -> None:
    invite = client.post(INVITES, BODY).json()
    token = link_token("ben@example.com")

    assert [client.post(f"{INVITES}/{invite['id']}/revoke").status_code for _ in range(2)] == [204, 204]
    assert accept(api, token) == (410, "invite_revoked")
    assert refused(client.post(f"{INVITES}/{invite['id']}/resend")) == (409, "invite_not_pending")
    assert refused(client.post(f"{INVITES}/{uuid.uuid4()}/revoke")) == (404, "not_found")
    assert refused(client.post(f"{INVITES}/{uuid.uuid4()}/resend")) == (404, "not_found")
    assert AuditEvent.objects.filter(action="invite.revoked").count() == 1
    assert not User.objects.filter(email="ben@example.com").exists()


@pytest.mark.parametrize(("seconds", "answer"), [(72 * 3600 - 1, (201, "")), (72 * 3600 + 1, (410, "invite_expired"))])
def test_expiry_to_the_second(api: APIClient, client: APIClient, seconds: int, answer: tuple[int, str]) -> None:
    client.post(INVITES, BODY)
    token = link_token("ben@example.com")

    with clock.shift(seconds):
        assert accept(api, token) == answer


def test_unknown_tokens_are_404_and_cost_no_password_check(
    api: APIClient, roles: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(acceptance, "_encoded", lambda *_: pytest.fail("a stranger got a free password check"))

    for token in ("iv_" + "A" * 43, "x", "iv_" + "A" * 5000):
        assert accept(api, token) == (404, "invite_invalid")
        assert refused(api.post(f"{INVITES}/inspect", {"token": token})) == (404, "invite_invalid")


def test_five_tries_a_link(api: APIClient, client: APIClient) -> None:
    client.post(INVITES, BODY)
    token = link_token("ben@example.com")

    assert [accept(api, token, password="short") for _ in range(5)] == [(400, "validation_error")] * 5
    assert accept(api, token) == (429, "rate_limited")
    with clock.shift(601):
        assert accept(api, token) == (201, "")


def test_an_inviter_who_lost_the_right_cannot_let_anyone_in(api: APIClient, client: APIClient, owner: User) -> None:
    second = factories.make_user("second@example.com")
    client.post(INVITES, BODY)
    token = link_token("ben@example.com")
    users.set_roles(user=owner, roles=["Editor"], by=Actor.staff(second))

    assert accept(api, token) == (403, "invite_authority_lost")
    assert not User.objects.filter(email="ben@example.com").exists()
    assert Invite.objects.get().status == "pending"


def test_an_address_that_became_a_user_meanwhile(api: APIClient, client: APIClient) -> None:
    client.post(INVITES, BODY)
    token = link_token("ben@example.com")
    factories.make_user("ben@example.com", held=("Author",))

    assert accept(api, token) == (409, "user_exists")
    assert Invite.objects.get().status == "pending"


def test_the_day_has_a_cap(client: APIClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(invites, "INVITES_A_DAY", 2)
    for number in range(2):
        assert client.post(INVITES, {**BODY, "email": f"b{number}@example.com"}).status_code == 201

    answer = client.post(INVITES, BODY)
    assert refused(answer) == (429, "rate_limited")
    assert 86_000 < answer.json()["retry_after"] <= 86_400


def test_the_list_goes_on_by_cursor_and_filters(client: APIClient) -> None:
    for number in range(3):
        client.post(INVITES, {**BODY, "email": f"b{number}@example.com"})
    client.post(f"{INVITES}/{Invite.objects.get(email='b1@example.com').pk}/revoke")

    page = client.get(f"{INVITES}?status=pending&per_page=1").json()
    assert [one["email"] for one in page["data"]] == ["b2@example.com"]
    rest = client.get(page["links"]["next"]).json()
    assert [one["email"] for one in rest["data"]] == ["b0@example.com"]
    assert rest["links"]["next"] is None
    assert client.get(f"{INVITES}?status=nonsense").json()["errors"][0]["parameter"] == "status"
    assert client.get(f"{INVITES}?sort=email").json()["errors"][0]["code"] == "unknown_parameter"


def test_the_link_never_follows_the_host_header(client: APIClient, settings: Any) -> None:
    settings.ALLOWED_HOSTS = ["*"]
    client.post(INVITES, BODY, HTTP_HOST="evil.example")

    assert link_token("ben@example.com").startswith("iv_")


class TestUsers:
    """Roles and closing of accounts."""

    def test_roles_change_and_are_audited(self, owner: User) -> None:
        ben = factories.make_user("ben@example.com", held=("Author",))
        users.set_roles(user=ben, roles=["Sales", "Editor"], by=Actor.staff(owner))

        event = AuditEvent.objects.get(action="user.roles_changed")
        assert (event.before, event.after) == ({"roles": ["Author"]}, {"roles": ["Editor", "Sales"]})
        users.set_roles(user=ben, roles=["Sales", "Editor"], by=Actor.staff(owner))
        assert AuditEvent.objects.filter(action="user.roles_changed").count() == 1

    def test_an_editor_cannot_make_an_owner(self, owner: User) -> None:
        ben = factories.make_user("ben@example.com", held=("Editor",))
        with pytest.raises(RoleEscalation):
            users.set_roles(user=ben, roles=["Owner"], by=Actor.staff(ben))
        with pytest.raises(RoleEscalation):
            users.set_active(user=owner, active=False, by=Actor.staff(ben))
        assert list(ben.groups.values_list("name", flat=True)) == ["Editor"]

    def test_the_last_owner_stays(self, owner: User) -> None:
        with pytest.raises(LastOwner):
            users.set_roles(user=owner, roles=["Editor"], by=Actor.operator())
        with pytest.raises(LastOwner):
            users.set_active(user=owner, active=False, by=Actor.operator())
        with pytest.raises(CannotCloseSelf):
            users.set_active(user=owner, active=False, by=Actor.staff(owner))
        owner.refresh_from_db()
        assert owner.is_active

    @pytest.mark.parametrize("role", ROLES)
    def test_an_owner_may_grant_every_role(self, owner: User, role: str) -> None:
        ben = factories.make_user("ben@example.com", held=())
        assert users.set_roles(user=ben, roles=[role], by=Actor.staff(owner)).pk == ben.pk
