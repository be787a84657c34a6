"""The mails of accounts, as they leave."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.actions import invites
from accounts.models import Invite, User
from accounts.tests import factories
from accounts.tests.factories import PASSWORD
from accounts.tests.test_flow import NEW_PASSWORD, link_token
from common import clock
from common.actor import Actor
from jobs.testing import run_due
from mail import actions, ports
from mail.models import Message

pytestmark = pytest.mark.django_db


def test_an_invitation_leaves_with_its_link_and_forgets_it(
    api: APIClient, owner: User, mailoutbox: list[Any], tables: Any
) -> None:
    User.objects.update(first_name="Ana", last_name="Otieno")
    invites.create(email="ben@example.com", roles=["Editor", "Sales"], first_name="Ben", by=Actor.staff(owner))
    token = link_token("ben@example.com")
    run_due()

    (sent,) = mailoutbox
    html = sent.alternatives[0][0]
    assert sent.to == ["ben@example.com"]
    assert sent.subject == "Ana Otieno invites you to Studio"
    for part in (sent.body, html):
        assert f"http://testserver/auth/invite/{token}" in part
        assert "Hello Ben," in part
        assert "Editor, Sales" in part
        assert "72 hours" in part
    assert "<script" not in html
    assert token not in tables()
    accepted = api.post("/api/auth/invites/accept", {"token": token, "password": NEW_PASSWORD})
    assert accepted.status_code == 201


def test_send_again_makes_a_new_link(owner: User) -> None:
    by = Actor.staff(owner)
    invites.create(email="ben@example.com", roles=["Editor"], by=by)
    first = link_token("ben@example.com")
    with clock.shift(1):
        actions.resend(message=Message.objects.get(), by=by)
        assert link_token("ben@example.com") != first
    assert Message.objects.count() == 2
    assert Invite.objects.get().status == "pending"


def test_the_reuse_of_a_token_is_told_to_its_user_and_to_the_studio_once(
    api: APIClient, owner: User, mailoutbox: list[Any], settings: Any
) -> None:
    settings.ALERT_EMAIL = ["ops@example.com"]
    raw = api.post("/api/auth/login", {"email": owner.email, "password": PASSWORD}).json()["refresh"]
    api.post("/api/auth/refresh", {"refresh": raw})
    with clock.shift(11):
        for _ in range(2):
            api.post("/api/auth/refresh", {"refresh": raw})
        run_due()

    alert, sent = sorted(mailoutbox, key=lambda one: one.to)
    assert (sent.to, sent.subject) == ([owner.email], "One of your sessions was ended for safety")
    assert "http://testserver/admin/" in sent.body
    assert alert.to == ["ops@example.com"]
    assert f"http://testserver/admin/accounts/user/{owner.pk}/change/" in alert.body
    assert raw not in sent.body + alert.body


def test_alerts_go_to_the_owners(owner: User) -> None:
    factories.make_user("ben@example.com", held=("Editor",))
    factories.make_user("gone@example.com", is_active=False)

    assert ports.owners() == [owner.email]
