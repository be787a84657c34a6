"""The invitation's page, without JavaScript."""

import re
from typing import Any

import pytest
from django.test import Client

from accounts.actions import invites
from accounts.models import Invite, User
from accounts.tests.test_flow import NEW_PASSWORD, link_token
from common.actor import Actor

pytestmark = pytest.mark.django_db
FORM = {"first_name": "Ben", "last_name": "Mwangi", "password": NEW_PASSWORD, "again": NEW_PASSWORD}


@pytest.fixture
def token(owner: User) -> str:
    invites.create(email="ben@example.com", roles=["Editor"], by=Actor.staff(owner))
    return link_token("ben@example.com")


@pytest.fixture
def browser(client: Client, token: str) -> Client:
    """A browser that opened the mailed link."""
    client.get(f"/auth/invite/{token}")
    return client


def test_the_link_moves_the_token_into_a_cookie(client: Client, token: str) -> None:
    answer = client.get(f"/auth/invite/{token}")

    assert (answer.status_code, answer["Location"]) == (303, "/auth/invite")
    cookie = answer.cookies["invite"]
    assert (cookie.value, cookie["path"], cookie["httponly"], cookie["samesite"]) == (token, "/auth", True, "Lax")
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "no-store"


def test_from_the_link_to_an_account(browser: Client, token: str) -> None:
    page = browser.get("/auth/invite")
    html = page.content.decode()
    assert page.status_code == 200
    assert "ben@example.com" in html
    assert "owner@example.com invited you." in html
    assert token not in html
    assert not re.search(r"\son\w+=|\sstyle=|<script(?![^>]*\bsrc=)", html)

    done = browser.post("/auth/invite", FORM)
    assert (done.status_code, done["Location"]) == (303, "/auth/enroll")
    assert done.cookies["invite"].value == ""
    given = done.cookies["enrollment"]
    assert given.value.startswith("en_")
    assert (given["path"], given["httponly"], given["samesite"], given["max-age"]) == ("/auth", True, "Strict", 600)
    user = User.objects.get(email="ben@example.com")
    assert (user.get_full_name(), user.check_password(NEW_PASSWORD)) == ("Ben Mwangi", True)
    assert list(user.groups.values_list("name", flat=True)) == ["Editor"]
    assert "_auth_user_id" not in browser.session


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"password": "password1234", "again": "password1234"}, "one of the most used passwords"),
        ({"password": "short", "again": "short"}, "Use at least 12 characters."),
        ({"again": "something else 12"}, "The two passwords differ."),
        ({"password": "Mwangi-lagoon-58-x", "again": "Mwangi-lagoon-58-x"}, "Leave out your name"),
        ({"first_name": ""}, "This field is required."),
    ],
)
def test_a_refusal_is_in_words_and_keeps_what_was_typed(browser: Client, changes: Any, words: str) -> None:
    page = browser.post("/auth/invite", {**FORM, **changes})
    html = page.content.decode()

    assert page.status_code == 400
    assert words in html
    assert 'value="Mwangi"' in html
    assert NEW_PASSWORD not in html
    assert 'aria-invalid="true"' in html
    assert not User.objects.filter(email="ben@example.com").exists()


@pytest.mark.parametrize(
    ("status", "code", "words"),
    [
        ("accepted", 410, "already used"),
        ("revoked", 410, "was withdrawn"),
        ("expired", 410, "has expired"),
        (None, 404, "not valid"),
    ],
)
def test_a_dead_link_says_why(browser: Client, owner: User, status: str | None, code: int, words: str) -> None:
    invite = Invite.objects.get()
    if status is None:
        invites.resend(invite_id=invite.pk, by=Actor.staff(owner))
    elif status == "revoked":
        invites.revoke(invite_id=invite.pk, by=Actor.staff(owner))
    elif status == "expired":
        Invite.objects.update(status="expired")
    else:
        browser.post("/auth/invite", FORM)
        browser.cookies["invite"] = link_token("ben@example.com")

    page = browser.get("/auth/invite")
    assert page.status_code == code
    assert words in page.content.decode()
    assert browser.post("/auth/invite", FORM).status_code == code


def test_without_a_cookie_there_is_no_form(client: Client, db: None) -> None:
    page = client.get("/auth/invite")

    assert page.status_code == 404
    assert "<form" not in page.content.decode().split("<main")[1].split("</main")[0]


def test_the_form_wants_its_own_token(token: str) -> None:
    strict = Client(enforce_csrf_checks=True)
    strict.get(f"/auth/invite/{token}")

    assert strict.post("/auth/invite", FORM).status_code == 403
    assert not User.objects.filter(email="ben@example.com").exists()
