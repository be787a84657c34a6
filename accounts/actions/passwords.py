"""Judging, hashing and changing passwords."""

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.hashers import make_password
from django.db import transaction

import audit.actions
import mail.actions
from accounts import locks, password_rule
from accounts.actions import guesses, open_challenges, sessions
from accounts.errors import InvalidCredentials
from accounts.models import Session, User
from common import tokens
from common.actor import Actor
from common.clock import db_now
from common.errors import FieldError, ValidationFailed
from common.retries import once_more
from common.target import Target

CHANGED_MAIL = "accounts/password_changed"
NEW = "#/new_password"


def check_input(*, password: str, pointer: str = "#/password") -> str:
    """The password in the form that is hashed; raises ValidationFailed (`invalid`) for NUL and lone surrogates."""
    if password_rule.malformed(password):
        raise _refused(pointer, "invalid", "The password holds a character that cannot be stored.", {})
    return password_rule.normalised(password)


def judge(*, password: str, personal: Iterable[str], pointer: str = "#/password") -> None:
    """Raise ValidationFailed with the reason when a normalised password is not good enough."""
    refusal = password_rule.judge(password, personal=personal)
    if refusal is not None:
        raise _refused(pointer, refusal.code, refusal.detail, refusal.members)


def matches(*, user: User | None, password: str) -> bool:
    """Whether the password is the user's. Costs one hash for any user, and for none."""
    if user is None:
        User().set_password(password)
        return False
    return user.check_password(password)


def change(*, user: User, session: Session | None, current: str, new: str, by: Actor) -> None:
    """Set a new password; every other session of the user ends, with all open challenges and reset links.

    `session` (of the API or the admin) lives on. Raises InvalidCredentials for a wrong `current`, RateLimited after too
    many of them, and ValidationFailed at `#/new_password`.
    """
    plain = check_input(password=current, pointer="#/current_password")
    _prove(user, plain)
    encoded = encoded_new(user=user, password=new, pointer=NEW)
    _change(user, session, encoded, by)


def encoded_new(*, user: User, password: str, pointer: str) -> str:
    """The hash of a password that the user may have from now on; raises ValidationFailed at `pointer`."""
    plain = check_input(password=password, pointer=pointer)
    judge(password=plain, personal=[user.email, user.first_name, user.last_name], pointer=pointer)
    if matches(user=user, password=plain):
        raise _refused(pointer, "password_unchanged", "This is the present password.", {})
    return make_password(plain)


def replace(*, user: User, encoded: str, keep: uuid.UUID | None, now: datetime, by: Actor) -> None:
    """Store a password in the caller's transaction, which holds the locks of resets, challenges and user.

    Ends the sessions but the one to keep, the challenges and the reset links, and tells the user by mail.
    """
    user.password = encoded
    user.save(update_fields=["password"])
    sessions.end_all(user=user, reason=Session.RevokeReason.PASSWORD, now=now, keep=keep)
    open_challenges.supersede_locked(user=user, now=now)
    mail.actions.send(
        template=CHANGED_MAIL,
        to=user.email,
        context={"name": user.get_short_name()},
        key=f"{CHANGED_MAIL}:{user.pk}:{now.isoformat()}",
        by=by,
    )


@once_more
@transaction.atomic
def _change(user: User, session: Session | None, encoded: str, by: Actor) -> None:
    locks.open_password_resets(user.pk)
    locks.open_challenges(user.pk)
    present = locks.user(user.pk)
    if present.password != user.password:
        raise InvalidCredentials  # changed since the first look
    now = db_now()
    replace(user=present, encoded=encoded, keep=session.pk if session else None, now=now, by=by)
    audit.actions.record(action="password.changed", by=by, target=Target.of(present))


def _prove(user: User, plain: str) -> None:
    key = tokens.derive("guess-password-change", str(user.pk))
    attempt = guesses.begin(rules=guesses.rated(name="CHANGE_PASSWORD_USER", key=key), now=db_now())
    with guesses.judging(attempt=attempt):
        right = matches(user=user, password=plain)
    if not right:
        raise InvalidCredentials
    guesses.succeed(attempt=attempt)


def _refused(pointer: str, code: str, detail: str, members: dict[str, object]) -> ValidationFailed:
    return ValidationFailed(errors=[FieldError(pointer=pointer, code=code, detail=detail, members=members)])
