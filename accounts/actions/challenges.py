"""A sign-in's second step: a challenge that a right password gave, answered by a code.

A refusal commits what it counted, so failures survive it. The tokens are signed before anything is used up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction

import audit.actions
from accounts import locks, selectors
from accounts.actions import codes, guesses, sessions
from accounts.actions.codes import AMR_OF, Evidence, Verdict
from accounts.actions.sessions import Prepared, TokenPair
from accounts.constants import (
    AMR_PASSWORD,
    BACKUP_CODES_LOW,
    CHALLENGE_FAILURES,
    CHALLENGE_TTL_SECONDS,
    CHALLENGES_AT_ONCE,
    METHOD_BACKUP_CODE,
    METHOD_TOTP,
    PREFIX_CHALLENGE,
)
from accounts.errors import ChallengeExhausted, ChallengeInvalid, CodeInvalid
from accounts.models import LoginChallenge, SecondFactor, Session, User
from common import limits, tokens
from common.actor import Actor
from common.client_ip import caller
from common.clock import db_now
from common.errors import DomainError, Unavailable
from common.retries import once_more
from common.target import Target


@dataclass(frozen=True)
class ChallengeIssued:
    """What the holder of a right password gets; the token is shown this once."""

    token: str
    methods: Sequence[str]
    expires_in: int


@dataclass(frozen=True)
class BackupUsed:
    """A session opened by a backup code, and how many codes are left."""

    pair: TokenPair
    remaining: int

    @property
    def low(self) -> bool:
        """Whether it is time for new codes."""
        return self.remaining <= BACKUP_CODES_LOW


@dataclass(frozen=True)
class Proven:
    """Who proved password and factor at a door that opens no API session, and how."""

    user: User
    factor: SecondFactor
    amr: list[str]


@dataclass(frozen=True)
class _Answered:
    proven: Proven
    pair: TokenPair | None
    remaining: int | None


@dataclass(frozen=True)
class _Attempt:
    """One code on its way: counted and looked at, not judged yet."""

    challenge: LoginChallenge
    evidence: Evidence
    prepared: Prepared | None
    guess: guesses.Attempt
    by: Actor


@dataclass(frozen=True)
class _Refused:
    verdict: Verdict
    error: DomainError


@once_more
def issue(*, user: User, now: datetime) -> ChallengeIssued:
    """A challenge for a user with a confirmed factor whose password was right just now.

    Of a user's open ones at most three stay: the oldest is superseded.
    """
    raw = tokens.issue(PREFIX_CHALLENGE)
    digest = tokens.digest("challenge", raw)
    with transaction.atomic():
        locks.open_challenges(user.pk)
        locks.user(user.pk)
        living = locks.open_challenges(user.pk, free_only=True)
        surplus = [one.pk for one in living[: max(0, len(living) - CHALLENGES_AT_ONCE + 1)]]
        LoginChallenge.objects.filter(pk__in=surplus).update(superseded_at=now)
        LoginChallenge.objects.create(
            user=user,
            token_hash=digest.hash,
            pepper_id=digest.pepper_id,
            password_fingerprint=selectors.password_fingerprint(user),
            created_at=now,
            expires_at=now + timedelta(seconds=CHALLENGE_TTL_SECONDS),
        )
    return ChallengeIssued(raw, selectors.factor_methods(user), CHALLENGE_TTL_SECONDS)


def verify(*, token: str, code: str, transport: Session.Transport, by: Actor) -> TokenPair:
    """Open a session by a challenge and a code of the app.

    Raises ChallengeInvalid, CodeInvalid (with `attempts_left`), ChallengeExhausted, SecondFactorLocked, RateLimited,
    LimiterUnavailable, SigningUnavailable (nothing is used up).
    """
    return _pair(_answer(token=token, code=code, method=METHOD_TOTP, transport=transport, by=by))


def verify_backup(*, token: str, code: str, transport: Session.Transport, by: Actor) -> BackupUsed:
    """Open a session by a challenge and a backup code; raises what `verify` does."""
    answered = _answer(token=token, code=code, method=METHOD_BACKUP_CODE, transport=transport, by=by)
    if answered.remaining is None:
        raise RuntimeError("A backup code was used and nobody counted what is left.")
    return BackupUsed(_pair(answered), answered.remaining)


def prove(*, token: str, code: str, by: Actor) -> Proven:
    """Answer a challenge by a code of the app or a backup code, for a door that opens no API session.

    Raises what `verify` does but SigningUnavailable.
    """
    return _answer(token=token, code=code, method=codes.method_of(code=code), transport=None, by=by).proven


def _pair(answered: _Answered) -> TokenPair:
    if answered.pair is None:
        raise RuntimeError("A session was asked for and none was stored.")
    return answered.pair


def _answer(*, token: str, code: str, method: str, transport: Session.Transport | None, by: Actor) -> _Answered:
    limits.hit("VERIFY_SECOND_FACTOR_IP", key=caller(), closed=True)
    read = selectors.challenge_now(token) if tokens.well_formed(PREFIX_CHALLENGE, token) else None
    if read is None or not _is_open(read.challenge, read.now):
        raise ChallengeInvalid
    found, now = read.challenge, read.now
    guess = codes.begin(user=found.user, method=method, now=now, by=by)
    try:
        evidence = codes.look(user=found.user, code=code, method=method, now=now)
        prepared = _prepared(found.user, evidence, transport, now)
    except Unavailable:
        guesses.take_back(attempt=guess)
        raise
    outcome = _decide(_Attempt(found, evidence, prepared, guess, by), opens=transport is not None)
    if isinstance(outcome, _Refused):
        codes.refused(user=found.user, evidence=evidence, verdict=outcome.verdict, by=by)
        raise outcome.error
    if isinstance(outcome, DomainError):
        raise outcome
    return outcome


def _prepared(user: User, evidence: Evidence, transport: Session.Transport | None, now: datetime) -> Prepared | None:
    if transport is None or not evidence.looks_right:
        return None
    return sessions.prepare(user=user, amr=_amr(evidence), transport=transport, now=now)


def _amr(evidence: Evidence) -> list[str]:
    return [AMR_PASSWORD, AMR_OF[evidence.method]]


@once_more
@transaction.atomic
def _decide(attempt: _Attempt, *, opens: bool) -> _Answered | _Refused | DomainError:
    """Under the locks of challenge, user and factor. A refusal is returned: what it counted must be committed."""
    challenge = locks.challenge(attempt.challenge.pk)
    user = locks.user(challenge.user_id)
    factor = locks.confirmed_factor(user)
    now = db_now()
    alive = _is_open(challenge, now) and user.is_active
    if factor is None or not alive or not selectors.has_fingerprint(user, challenge.password_fingerprint):
        guesses.take_back(attempt=attempt.guess)
        return ChallengeInvalid()
    verdict = codes.consume(evidence=attempt.evidence, factor=factor, now=now)
    if verdict is not Verdict.RIGHT:
        return _Refused(verdict, _count_failure(challenge))
    challenge.consumed_at = now
    challenge.save(update_fields=["consumed_at"])
    remaining = codes.accepted(user=user, evidence=attempt.evidence, now=now, by=attempt.by)
    if attempt.evidence.method == METHOD_TOTP:
        audit.actions.record(action="2fa.verified", by=attempt.by, target=Target.of(user))
    pair = sessions.store(prepared=attempt.prepared) if opens and attempt.prepared else None
    return _Answered(Proven(user, factor, _amr(attempt.evidence)), pair, remaining)


def _is_open(challenge: LoginChallenge, now: datetime) -> bool:
    ended = challenge.consumed_at is not None or challenge.superseded_at is not None
    return not ended and now < challenge.expires_at and challenge.failures < CHALLENGE_FAILURES


def _count_failure(challenge: LoginChallenge) -> DomainError:
    challenge.failures += 1
    challenge.save(update_fields=["failures"])
    left = CHALLENGE_FAILURES - challenge.failures
    return CodeInvalid(members={"attempts_left": left}) if left else ChallengeExhausted()
