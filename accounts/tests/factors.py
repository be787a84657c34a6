"""Users with a second factor, and what their app shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from rest_framework.test import APIClient

from accounts import selectors, totp
from accounts.actions import backup_codes, sessions
from accounts.models import SecondFactor, Session, User
from accounts.tests import factories
from accounts.tests.factories import PASSWORD
from common import clock
from common.actor import Actor

LOGIN = "/api/auth/login"
VERIFY = "/api/auth/2fa/verify"
BACKUP = "/api/auth/2fa/backup/verify"


@dataclass(frozen=True)
class App:
    """An authenticator app that holds a user's secret."""

    user: User
    secret: bytes

    def code(self, steps: int = 0) -> str:
        """What it shows now, or so many steps later."""
        return totp.code_of(self.secret, totp.step_at(clock.db_now()) + steps)

    def wrong(self) -> str:
        """Six digits that are right at no step near now."""
        near = {self.code(steps) for steps in range(-3, 4)}
        return next(code for code in map("{:06d}".format, range(10)) if code not in near)


def give_app(user: User) -> App:
    """A confirmed factor whose present code is unused; no backup codes."""
    now = clock.db_now()
    app = App(user, totp.new_secret())
    factor = SecondFactor(user=user, confirmed=True, created_at=now, confirmed_at=now - timedelta(hours=1))
    factor.secret_ciphertext = totp.seal(factor, app.secret)
    factor.save(force_insert=True)
    return app


def give_codes(user: User) -> list[str]:
    """A batch of backup codes for a user with a factor."""
    factor = selectors.second_factor(user)
    assert factor is not None
    batch = backup_codes.make()
    with transaction.atomic():
        return backup_codes.store(factor=factor, batch=batch, now=clock.db_now(), by=Actor.staff(user))


def signed_in(user: User, *, amr: Sequence[str] = ("pwd", "otp")) -> APIClient:
    """A client of a fresh session that was proven this way."""
    client = APIClient()
    client.default_format = "json"
    pair = sessions.open(user=user, amr=amr, transport=Session.Transport.BODY, now=clock.db_now())
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {pair.access}")
    return client


def challenge(user: User, **headers: Any) -> str:
    """The token of a fresh challenge, got by the password."""
    answer = APIClient().post(LOGIN, {"email": user.email, "password": PASSWORD}, format="json", **headers)
    assert answer.json()["status"] == "2fa_required", answer.json()
    return str(answer.json()["challenge_token"])


def answer(path: str, token: str, code: str, **headers: Any) -> Any:
    """The answer to a challenge's answer."""
    return APIClient().post(path, {"challenge_token": token, "code": code}, format="json", **headers)


def outcome(response: Any) -> tuple[int, str]:
    """Status and code of a response; an empty code where it is no problem."""
    return response.status_code, response.json().get("code", "") if response.content else ""


def colleague(email: str = "ben@example.com", *, held: tuple[str, ...] = ("Editor",)) -> App:
    """Another user with an app."""
    return give_app(factories.make_user(email, held=held))
