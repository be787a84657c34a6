"""Browsers of the tests of the pages: they read what a page shows and type codes as a person would."""

import base64
import html
import re
from typing import Any

from django.test import Client

from accounts import totp
from accounts.actions import second_factor
from accounts.models import SecondFactor, User
from accounts.tests.factories import PASSWORD
from common import clock
from common.actor import Actor


def code_of(secret: str, *, steps: int = 0) -> str:
    """The code that an app with this base-32 secret shows now, or so many steps later."""
    raw = base64.b32decode(secret + "=" * (-len(secret) % 8))
    return totp.code_of(raw, totp.step_at(clock.db_now()) + steps)


def shown_secret(page: str) -> str:
    """The secret that an enrolment page shows in text."""
    found = re.search(r'enroll__secret">([A-Z2-7 ]+)<', page)
    assert found
    return found[1].replace(" ", "")


def shown_codes(page: str) -> list[str]:
    """The backup codes that a page shows."""
    found = re.search(r"<pre[^>]*>(.*?)</pre>", page, re.DOTALL)
    assert found
    return html.unescape(found[1]).split()


def hidden(page: str, name: str) -> str:
    """The value of a hidden field."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found
    return found[1]


def give_factor(user: User) -> tuple[str, list[str]]:
    """Enrol a user in the past, so that the present code is unused; returns the secret and the backup codes."""
    by = Actor.staff(user)
    begun = second_factor.begin(user=user, by=by)
    codes = second_factor.confirm(user=user, enrollment_id=begun.id, code=code_of(begun.secret), by=by)
    SecondFactor.objects.filter(user=user).update(last_step=0)
    return begun.secret, codes


def type_password(client: Client, user: User, *, password: str = PASSWORD, **more: str) -> Any:
    """The first step at the door."""
    return client.post("/auth/sign-in", {"email": user.email, "password": password, **more})
