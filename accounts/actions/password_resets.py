"""Setting a new password by a mailed link, without being signed in."""

from datetime import timedelta

from django.db import transaction

import audit.actions
import mail.actions
from accounts import addresses, locks, selectors
from accounts.actions import guesses, login_counters, passwords
from accounts.constants import (
    PASSWORD_RESET_TTL_SECONDS,
    PREFIX_RESET,
    RESET_TRIES_A_TOKEN,
)
from accounts.errors import ResetExpired, ResetInvalid, ResetUsed
from accounts.models import PasswordReset, User
from common import limits, links, tokens
from common.actor import Actor
from common.client_ip import caller
from common.clock import db_now
from common.errors import RateLimited
from common.retries import once_more
from common.target import Target
from jobs.actions import enqueue

JOB = "accounts.request_reset"
MAIL_TEMPLATE = "accounts/password_reset"
_TTL = timedelta(seconds=PASSWORD_RESET_TTL_SECONDS)
_SECONDS_A_MINUTE = 60


def request(*, email: str, by: Actor) -> None:
    """Ask for a link. The same work is done for every address; a job finds out whether there is anyone to mail.

    Raises ValidationFailed for what is no address, RateLimited and LimiterUnavailable by the caller's address.
    """
    limits.hit("REQUEST_PASSWORD_RESET_IP", key=caller(), closed=True)
    address = addresses.canonical(email)
    user = selectors.user_by_email(address)
    target = login_counters.target(address=address, user=user)
    with transaction.atomic():
        audit.actions.record(action="password.reset_requested", by=by, target=target)
        enqueue(kind=JOB, args={"email": address}, by=by)


@transaction.atomic
def issue(*, email: str, by: Actor) -> PasswordReset | None:
    """Make a link and mail it, in the caller's transaction; None for nobody, a closed account, and too many an hour.

    Earlier links stay: a stranger who asks for one must not end the link that its owner is about to use.
    """
    user = selectors.user_by_email(email)
    if user is None or not user.is_active:
        return None
    now = db_now()
    key = tokens.derive("reset-account", user.email)
    try:
        guesses.begin(rules=guesses.rated(name="REQUEST_PASSWORD_RESET_ACCOUNT", key=key), now=now)
    except RateLimited:
        return None
    if locks.user(user.pk).email != user.email:
        return None  # the address went to nobody, or to somebody else, since it was looked up
    raw = tokens.issue(PREFIX_RESET)
    digest = tokens.digest("reset", raw)
    reset = PasswordReset.objects.create(
        user=user, token_hash=digest.hash, pepper_id=digest.pepper_id, created_at=now, expires_at=now + _TTL
    )
    _send(reset, raw, by)
    return reset


def inspect(*, token: str) -> PasswordReset:
    """The reset of a link that still works, with its user; raises ResetInvalid, ResetExpired, ResetUsed."""
    reset = selectors.password_reset(token) if tokens.well_formed(PREFIX_RESET, token) else None
    if reset is None:
        raise ResetInvalid
    _check_open(reset, reset.user)
    return reset


def complete(*, token: str, password: str, by: Actor) -> User:
    """Set the password. Signs nobody in, ends every session, leaves the second factor as it is.

    Password sign-in that too many failures had closed is open again. Raises what `inspect` raises, ValidationFailed at
    `#/password`, RateLimited, LimiterUnavailable.
    """
    limits.hit("CONFIRM_PASSWORD_RESET_IP", key=caller(), closed=True)
    found = inspect(token=token)
    rule = guesses.Rule(
        "password_reset_token", bytes(found.token_hash), RESET_TRIES_A_TOKEN, PASSWORD_RESET_TTL_SECONDS
    )
    attempt = guesses.begin(rules=[rule], now=db_now())
    encoded = passwords.encoded_new(user=found.user, password=password, pointer="#/password")
    return _use(found, encoded, attempt, by)


@once_more
@transaction.atomic
def _use(found: PasswordReset, encoded: str, attempt: guesses.Attempt, by: Actor) -> User:
    reset = locks.password_reset(found.pk, user_id=found.user_id)
    locks.open_challenges(found.user_id)
    user = locks.user(found.user_id)
    _check_open(reset, user)
    now = db_now()
    reset.used_at = now
    reset.save(update_fields=["used_at"])
    passwords.replace(user=user, encoded=encoded, keep=None, now=now, by=by)
    login_counters.forget(user=user)
    guesses.succeed(attempt=attempt)
    audit.actions.record(action="password.reset_completed", by=by, target=Target.of(user))
    return user


def _check_open(reset: PasswordReset, user: User) -> None:
    """A link that was overtaken by another password, or whose account was closed, is as good as unknown."""
    if reset.used_at is not None:
        raise ResetUsed
    if reset.superseded_at is not None or not user.is_active:
        raise ResetInvalid
    if reset.expires_at <= db_now():
        raise ResetExpired


def _send(reset: PasswordReset, raw: str, by: Actor) -> None:
    mail.actions.send(
        template=MAIL_TEMPLATE,
        to=reset.user.email,
        context={"name": reset.user.get_short_name(), "minutes": PASSWORD_RESET_TTL_SECONDS // _SECONDS_A_MINUTE},
        secrets={"link": links.page_url("reset", token=raw)},
        key=f"{MAIL_TEMPLATE}:{reset.pk}",
        by=by,
    )
