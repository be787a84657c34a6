"""Signing in with a password: the API and the admin use the same counters, the same answers and the same audit."""

import logging
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import transaction

import audit.actions
from accounts import addresses, selectors
from accounts.actions import challenges, enrollment, guesses, login_counters, passwords, sessions
from accounts.actions.challenges import ChallengeIssued
from accounts.actions.enrollment import EnrollmentNeeded
from accounts.actions.sessions import TokenPair
from accounts.constants import AMR_PASSWORD, LOGIN_FAILURES_IN_A_ROW
from accounts.errors import EnrollmentWindowClosed, InvalidCredentials
from accounts.models import KnownNetwork, Session, User
from accounts.networks import network_of
from common import limits, tokens
from common.actor import Actor
from common.client_ip import caller
from common.clock import db_now
from common.errors import RateLimited
from common.retries import once_more
from common.target import Target

logger = logging.getLogger(__name__)
IP_LIMITS = ("LOGIN_IP", "LOGIN_IP_LONG")


@dataclass(frozen=True)
class _Guess:
    """Where a guess comes from, and at which account it is aimed."""

    address: str
    ip: str
    known: bool

    @property
    def account_key(self) -> bytes:
        """The account's key in the counters, whether or not it exists."""
        return login_counters.account_key(address=self.address)

    @property
    def network_key(self) -> bytes:
        """The account as seen from one network."""
        return login_counters.network_key(address=self.address, network=network_of(self.ip))

    def rules(self) -> list[guesses.Rule]:
        """What counts this guess. Strangers share the account's counters; a known network has its own."""
        pair = tokens.derive("guess-ip-account", self.ip, self.address)
        row_key = self.network_key if self.known else self.account_key
        return [
            *guesses.rated(name="LOGIN_IP_ACCOUNT", key=pair),
            *guesses.rated(name="LOGIN_IP_ACCOUNT_LONG", key=pair),
            *([] if self.known else guesses.rated(name="LOGIN_ACCOUNT", key=self.account_key)),
            guesses.Rule(login_counters.IN_A_ROW, row_key, LOGIN_FAILURES_IN_A_ROW, None),
        ]


def log_in(
    *, email: str, password: str, transport: Session.Transport, by: Actor
) -> TokenPair | ChallengeIssued | EnrollmentNeeded:
    """Open a session, ask for the second factor, or ask for one to be enrolled where the policy wants one.

    Raises what `at_door` raises, and SigningUnavailable.
    """
    step = at_door(email=email, password=password, by=by)
    if isinstance(step, User):
        return sessions.open(user=step, amr=[AMR_PASSWORD], transport=transport, now=db_now())
    return step


def at_door(*, email: str, password: str, by: Actor) -> User | ChallengeIssued | EnrollmentNeeded:
    """What comes after address and password: a code, the enrolment of a factor, or nothing, and then the user.

    Who has a factor always needs it; who has none needs one where the policy wants it. Opens nothing. Raises what
    `first_factor` raises, and EnrollmentWindowClosed after a right password.
    """
    user = first_factor(email=email, password=password, by=by)
    now = db_now()
    if selectors.has_second_factor(user):
        return challenges.issue(user=user, now=now)
    if settings.STAFF_TWO_FACTOR == "optional":
        return user
    if user.enrollment_open_until is None or user.enrollment_open_until <= now:
        raise EnrollmentWindowClosed
    return enrollment.issue(user=user, now=now)


def first_factor(*, email: str, password: str, by: Actor) -> User:
    """The active user whose address and password these are; opens nothing.

    Raises InvalidCredentials for every kind of wrong, RateLimited, LimiterUnavailable, ValidationFailed for what is no
    address or holds NUL. One hash is computed whoever asks; the address of the request is `common.context`'s.
    """
    ip = caller()
    for name in IP_LIMITS:
        limits.blocked(name, key=ip, closed=True)
    address = addresses.canonical(email)
    plain = passwords.check_input(password=password)
    now = db_now()
    guess = _Guess(address, ip, selectors.knows_network(address, network_of(ip), now=now))
    user = selectors.user_by_email(address)
    attempt = _begin(guess, user, now, by)
    with guesses.judging(attempt=attempt):
        right = passwords.matches(user=user, password=plain)
    if user is None or not right or not user.is_active or attempt.exceeded:
        _failed(guess, user, right=right, off=bool(attempt.exceeded), by=by)
        raise InvalidCredentials
    _succeeded(guess, user, attempt, now, by)
    return user


@once_more
@transaction.atomic
def _succeeded(guess: _Guess, user: User, attempt: guesses.Attempt, now: datetime, by: Actor) -> None:
    guesses.succeed(attempt=attempt)
    guesses.clear(rules=[login_counters.IN_A_ROW], keys=[guess.account_key, guess.network_key])
    _remember(user, guess, now)
    audit.actions.record(action="login.succeeded_first_factor", by=by, target=Target.of(user))


def _remember(user: User, guess: _Guess, now: datetime) -> None:
    """Know the network from now on, whichever door the colleague took: a stranger must not be able to close it."""
    KnownNetwork.objects.update_or_create(user=user, network=network_of(guess.ip), defaults={"last_seen_at": now})


def _begin(guess: _Guess, user: User | None, now: datetime, by: Actor) -> guesses.Attempt:
    try:
        return guesses.begin(rules=guess.rules(), now=now)
    except RateLimited:
        audit.actions.record_refused(action="login.throttled", by=by, target=_account(guess, user))
        raise


def _failed(guess: _Guess, user: User | None, *, right: bool, off: bool, by: Actor) -> None:
    """Count and write down a failure. Its cause goes to the log only: the audit tells no more than the answer."""
    for name in IP_LIMITS:
        limits.fail(name, key=guess.ip)
    cause = "unknown" if user is None else "wrong" if not right else "inactive" if not user.is_active else "off"
    logger.info("login_failed", extra={"cause": cause, "in_a_row": off})
    audit.actions.record_refused(action="login.failed", by=by, target=_account(guess, user))


def _account(guess: _Guess, user: User | None) -> Target:
    return login_counters.target(address=guess.address, user=user)
