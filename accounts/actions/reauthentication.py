"""Confirming who one is again, before acts that ask for it: the password, and the factor where there is one."""

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


def confirm(*, session: Session, password: str, by: Actor, code: str = "") -> datetime:
    """Take the password once more, and of who has a factor a code too; returns until when the confirmation counts.

    The code is the app's, or a backup code. Raises InvalidCredentials, CodeInvalid, ValidationFailed without the code
    that is needed, RateLimited, SecondFactorLocked, LimiterUnavailable; the session goes on either way.
    """
    plain = passwords.check_input(password=password)
    user = session.user
    has_factor = selectors.has_second_factor(user)
    if has_factor and not code:
        raise ValidationFailed(errors=[FieldError("required", "A code is needed too.", pointer="#/code")])
    now = db_now()
    key = tokens.derive("guess-reauth", str(user.pk))
    guess = guesses.begin(rules=guesses.rated(name="REAUTHENTICATE_USER", key=key), now=now)
    with guesses.judging(attempt=guess):
        right = passwords.matches(user=user, password=plain)
    if not right:
        _refuse(session, by, InvalidCredentials.code)
        raise InvalidCredentials
    evidence = _looked_at(user, code, guess, now, by) if has_factor else None
    verdict = _settle(session, evidence, guess, now, by)
    if evidence is not None and verdict is not Verdict.RIGHT:
        if verdict is Verdict.REPLAYED:
            codes.refused(user=user, evidence=evidence, verdict=verdict, by=by)
        _refuse(session, by, CodeInvalid.code)
        raise CodeInvalid
    return selectors.reauth_until(session)


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


def _looked_at(user: User, code: str, guess: guesses.Attempt, now: datetime, by: Actor) -> Evidence:
    """The code, counted and compared; what was not looked at gives the counted password back."""
    method = codes.method_of(code=code)
    try:
        attempt = codes.begin(user=user, method=method, now=now, by=by)
    except RateLimited:
        guesses.take_back(attempt=guess)
        raise
    try:
        return codes.look(user=user, code=code, method=method, now=now)
    except Unavailable:
        guesses.take_back(attempt=attempt)
        guesses.take_back(attempt=guess)
        raise


@once_more
@transaction.atomic
def _settle(session: Session, evidence: Evidence | None, guess: guesses.Attempt, now: datetime, by: Actor) -> Verdict:
    """Consume the code and write the confirmation, under the locks of user and factor."""
    amr = [AMR_PASSWORD]
    user = locks.user(session.user_id)
    if evidence is not None:
        verdict = codes.consume(evidence=evidence, factor=locks.confirmed_factor(user), now=now)
        if verdict is not Verdict.RIGHT:
            return verdict
        codes.accepted(user=user, evidence=evidence, now=now, by=by)
        amr.append(AMR_OF[evidence.method])
    guesses.succeed(attempt=guess)
    session.reauth_at, session.reauth_amr = now, amr
    session.save(update_fields=["reauth_at", "reauth_amr"])
    audit.actions.record(action="reauth.succeeded", by=by, target=sessions.target(session=session))
    return Verdict.RIGHT


def _refuse(session: Session, by: Actor, reason: str) -> None:
    target = sessions.target(session=session)
    audit.actions.record_refused(action="reauth.failed", by=by, target=target, reason=reason)
