"""The people section of the admin."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client

from accounts.actions import sign_in
from accounts.errors import InvalidCredentials
from accounts.models import Invite, Session, User
from accounts.tests import factories
from accounts.tests.factories import PASSWORD
from audit.models import AuditEvent
from common import context
from common.actor import Actor
from common.errors import RateLimited
from config.rates import Rate
from mail.models import Message

pytestmark = pytest.mark.django_db
VISITOR = Actor.system("visitor")


@pytest.fixture
def staff_client(client: Client, owner: User) -> Client:
    client.force_login(owner)
    return client


def test_a_colleague_is_invited_and_the_invitation_sent_again_and_withdrawn(staff_client: Client) -> None:
    body = {"email": "Ben@example.com", "roles": ["Editor"], "lifetime_hours": "48", "first_name": "", "last_name": ""}
    assert staff_client.post("/admin/accounts/invite/add/", body).status_code == 302
    invite = Invite.objects.get()
    assert (invite.email, invite.roles, invite.lifetime_hours) == ("ben@example.com", ["Editor"], 48)
    assert Message.objects.get().template == "accounts/invitation"

    again = staff_client.post("/admin/accounts/invite/add/", body)
    assert again.status_code == 200
    assert "An invitation is already waiting." in again.content.decode()

    page = staff_client.get(f"/admin/accounts/invite/{invite.pk}/change/").content.decode()
    assert f"/admin/accounts/invite/{invite.pk}/action/resend/" in page
    staff_client.post(f"/admin/accounts/invite/{invite.pk}/action/resend/")
    assert Message.objects.count() == 2
    staff_client.post(f"/admin/accounts/invite/{invite.pk}/action/withdraw/")
    invite.refresh_from_db()
    assert invite.status == "revoked"
    assert staff_client.get("/admin/accounts/invite/").status_code == 200


def test_roles_change_and_accounts_close(staff_client: Client, owner: User) -> None:
    ben = factories.make_user("ben@example.com", held=("Author",))
    page = staff_client.get(f"/admin/accounts/user/{ben.pk}/change/").content.decode()
    assert 'type="password"' not in page
    assert ben.password not in page

    staff_client.post(f"/admin/accounts/user/{ben.pk}/change/", {"email": ben.email, "roles": ["Sales"]})
    assert list(ben.groups.values_list("name", flat=True)) == ["Sales"]
    staff_client.post(f"/admin/accounts/user/{ben.pk}/action/close/")
    ben.refresh_from_db()
    assert not ben.is_active
    staff_client.post(f"/admin/accounts/user/{ben.pk}/action/open/")
    ben.refresh_from_db()
    assert ben.is_active

    refused = staff_client.post(f"/admin/accounts/user/{owner.pk}/change/", {"email": owner.email, "roles": ["Editor"]})
    assert (
        "No other open account" in refused.content.decode() or "The last Owner must stay." in refused.content.decode()
    )
    assert list(owner.groups.values_list("name", flat=True)) == ["Owner"]


def test_a_session_is_ended_by_a_colleague(staff_client: Client, owner: User) -> None:
    ben = factories.make_user("ben@example.com", held=("Author",))
    api = factories.sign_in(ben)
    session = Session.objects.get(user=ben)

    assert staff_client.get("/admin/accounts/session/").status_code == 200
    staff_client.post(f"/admin/accounts/session/{session.pk}/action/sign-out/")
    assert api.get("/api/auth/me").json()["code"] == "session_revoked"
    assert AuditEvent.objects.get(action="session.revoked_by_admin").actor_id == str(owner.pk)


def test_lists_cost_the_same_at_any_length(staff_client: Client, django_assert_max_num_queries: Any) -> None:
    for number in range(15):
        factories.sign_in(factories.make_user(f"u{number}@example.com", held=("Author",)))
    for name in ("user", "invite", "session"):
        with django_assert_max_num_queries(15):
            assert staff_client.get(f"/admin/accounts/{name}/").status_code == 200


@pytest.mark.parametrize("role", ["Editor", "Author", "Sales"])
def test_other_roles_do_not_see_people(client: Client, roles: None, role: str) -> None:
    client.force_login(factories.make_user("ben@example.com", held=(role,)))

    for name in ("user", "invite", "session"):
        assert client.get(f"/admin/accounts/{name}/").status_code in {403, 404}


def test_no_model_with_a_key_a_hash_or_a_token_is_registered() -> None:
    shown = {model._meta.label for model in admin.site._registry if model._meta.app_label in {"accounts", "auth"}}

    assert shown == {"accounts.User", "accounts.Invite", "accounts.Session"}


class TestPasswordCheck:
    """What the admin's sign-in form calls: the same counters and audit as the API's."""

    def test_it_opens_no_api_session(self, owner: User) -> None:
        assert sign_in.first_factor(email="Owner@example.com", password=PASSWORD, by=VISITOR) == owner
        assert not Session.objects.exists()
        assert AuditEvent.objects.get(action="login.succeeded_first_factor").actor_kind == "system"

    def test_counters_are_shared_with_the_api(self, api: Any, owner: User, settings: Any) -> None:
        settings.RATES = {**settings.RATES, "LOGIN_IP_ACCOUNT": Rate(2, 60)}
        with context.use(context.RequestContext(ip="127.0.0.1")):
            for _ in range(2):
                with pytest.raises(InvalidCredentials):
                    sign_in.first_factor(email=owner.email, password="wrong", by=VISITOR)
            with pytest.raises(RateLimited):
                sign_in.first_factor(email=owner.email, password=PASSWORD, by=VISITOR)
        assert api.post("/api/auth/login", {"email": owner.email, "password": PASSWORD}).status_code == 429
