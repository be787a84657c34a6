"""Confirming who one is again, before acts that ask for it: the password, and the factor where there is one."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

import audit.actions
from accounts import locks, selectors
from accounts.actions import codes, guesses, passwords, sessions
from accounts.actions.codes import AMR_OF, Evidence, Verdict
from accounts.constants import AMR_ONE_TIME_CODE, AMR_PASSWORD, AMR_SECOND_FACTOR
from accounts.errors import CodeInvalid, InvalidCredentials, ReauthRequired, TwoFactorAlreadyEnabled
from accounts.models import Session, User
from common import tokens
from common.actor import Actor
from common.clock import db_now
from common.errors import FieldError, RateLimited, Unavailable, ValidationFailed
from common.retries import once_more
from common.target import Target


@dataclass(frozen=True)
class _Act:
    """Who confirms, what the audit names, and what is written when it holds."""

    user: User
    target: Target
    by: Actor
    write: Callable[[datetime, list[str]], None]


def confirm(*, session: Session, password: str, by: Actor, code: str = "") -> datetime:
    """Take the password once more, and a code (of the app, or a backup code) of who has a factor; returns until when
    it counts.

    Raises InvalidCredentials, CodeInvalid, ValidationFailed without the code that is needed, RateLimited,
    SecondFactorLocked; the session goes on either way.
    """

    def write(now: datetime, amr: list[str]) -> None:
        session.reauth_at, session.reauth_amr = now, amr
        session.save(update_fields=["reauth_at", "reauth_amr"])

    _confirm(_Act(session.user, sessions.target(session=session), by, write), password, code)
    return selectors.reauth_until(session)


def prove_again(*, user: User, password: str, code: str, by: Actor) -> list[str]:
    """As `confirm`, for a door that keeps no session of ours; returns how the user proved it (RFC 8176)."""
    proven: list[str] = []
    _confirm(_Act(user, Target.of(user), by, lambda _now, amr: proven.extend(amr)), password, code)
    return proven


def demand(*, session: Session, now: datetime) -> None:
    """Raise ReauthRequired unless the user was confirmed in the last five minutes, by the factor where there is one."""
    if not selectors.recently_signed_in(session, now=now):
        raise ReauthRequired
    if AMR_SECOND_FACTOR.isdisjoint(session.reauth_amr) and selectors.has_second_factor(session.user):
        raise ReauthRequired


def demand_app_code(*, session: Session, now: datetime) -> None:
    """As `demand`; of who has a factor it wants a code of the app: a backup code is not enough."""
    demand(session=session, now=now)
    if AMR_ONE_TIME_CODE not in session.reauth_amr and selectors.has_second_factor(session.user):
        raise ReauthRequired


def demand_for_enrollment(*, session: Session, now: datetime) -> None:
    """As `demand`, but who has a factor and did not show it hears TwoFactorAlreadyEnabled."""
    try:
        demand(session=session, now=now)
    except ReauthRequired:
        if selectors.has_second_factor(session.user):
            raise TwoFactorAlreadyEnabled from None
        raise


def _confirm(act: _Act, password: str, code: str) -> None:
    plain = passwords.check_input(password=password)
    has_factor = selectors.has_second_factor(act.user)
    if has_factor and not code:
        raise ValidationFailed(errors=[FieldError("required", "A code is needed too.", pointer="#/code")])
    now = db_now()
    key = tokens.derive("guess-reauth", str(act.user.pk))
    guess = guesses.begin(rules=guesses.rated(name="REAUTHENTICATE_USER", key=key), now=now)
    if not passwords.matches(user=act.user, password=plain):
        _refuse(act, InvalidCredentials.code)
        raise InvalidCredentials
    evidence = _looked_at(act, code, guess, now) if has_factor else None
    verdict = _settle(act, evidence, guess, now)
    if evidence is not None and verdict is not Verdict.RIGHT:
        if verdict is Verdict.REPLAYED:
            codes.refused(user=act.user, evidence=evidence, verdict=verdict, by=act.by)
        _refuse(act, CodeInvalid.code)
        raise CodeInvalid


def _looked_at(act: _Act, code: str, guess: guesses.Attempt, now: datetime) -> Evidence:
    """The code, counted and compared; what was not looked at gives the counted password back."""
    method = codes.method_of(code=code)
    try:
        attempt = codes.begin(user=act.user, method=method, now=now, by=act.by)
    except RateLimited:
        guesses.take_back(attempt=guess)
        raise
    try:
        return codes.look(user=act.user, code=code, method=method, now=now)
    except Unavailable:
        guesses.take_back(attempt=attempt)
        guesses.take_back(attempt=guess)
        raise


@once_more
def _settle(act: _Act, evidence: Evidence | None, guess: guesses.Attempt, now: datetime) -> Verdict:
    """Consume the code and write the confirmation, under the locks of user and factor."""
    amr = [AMR_PASSWORD]
    with transaction.atomic():
        user = locks.user(act.user.pk)
        if evidence is not None:
            verdict = codes.consume(evidence=evidence, factor=locks.confirmed_factor(user), now=now)
            if verdict is not Verdict.RIGHT:
                return verdict
            codes.accepted(user=user, evidence=evidence, now=now, by=act.by)
            amr.append(AMR_OF[evidence.method])
        guesses.succeed(attempt=guess)
        act.write(now, amr)
        audit.actions.record(action="reauth.succeeded", by=act.by, target=act.target)
    return Verdict.RIGHT


def _refuse(act: _Act, reason: str) -> None:
    audit.actions.record_refused(action="reauth.failed", by=act.by, target=act.target, reason=reason)
