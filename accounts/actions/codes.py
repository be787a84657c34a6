"""Judging codes of the second factor, at whatever door they are given: one set of counters, one way to use them up.

A code is looked at first (`look`, which may hash and decrypt, outside any lock) and consumed afterwards (`consume`, one
conditional UPDATE inside the caller's transaction). Only what was consumed counts.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from django.db import transaction

import audit.actions
from accounts import crockford, selectors, totp
from accounts.actions import backup_codes, factor_mails, guesses
from accounts.constants import (
    AMR_BACKUP_CODE,
    AMR_ONE_TIME_CODE,
    METHOD_BACKUP_CODE,
    METHOD_TOTP,
    SECOND_FACTOR_FAILURES_IN_A_ROW,
    SECOND_FACTOR_LOCK_HINT_SECONDS,
)
from accounts.errors import SecondFactorLocked
from accounts.models import BackupCode, SecondFactor, User
from common import tokens
from common.actor import Actor
from common.crypto import DecryptionFailed
from common.errors import RateLimited
from common.target import Target
from jobs.actions import alert

IN_A_ROW = "second_factor_in_a_row"
WINDOW = "VERIFY_SECOND_FACTOR_USER"
AMR_OF = {METHOD_TOTP: AMR_ONE_TIME_CODE, METHOD_BACKUP_CODE: AMR_BACKUP_CODE}
LOCKED_EVENT = "2fa.locked"
REPLAYED_EVENT = "2fa.replayed"
FAILED_EVENT = {METHOD_TOTP: "2fa.failed", METHOD_BACKUP_CODE: "2fa.backup_failed"}


class Verdict(Enum):
    """What became of a code."""

    RIGHT = "right"
    WRONG = "wrong"
    REPLAYED = "replayed"


@dataclass(frozen=True)
class Evidence:
    """What a first look at a code found; `proof` is the time step or the row of the backup code."""

    method: str
    factor: SecondFactor | None
    proof: int | None

    @property
    def looks_right(self) -> bool:
        """Whether it is worth consuming."""
        return self.proof is not None


def method_of(*, code: str) -> str:
    """The method that a code of this shape belongs to, for doors that take both."""
    return METHOD_TOTP if totp.well_formed(code) else METHOD_BACKUP_CODE


def begin(*, user: User, method: str, now: datetime, by: Actor) -> guesses.Attempt:
    """As `count`, with an audit event when it is refused. Call it outside transactions."""
    try:
        return count(user=user, method=method, now=now)
    except SecondFactorLocked:
        audit.actions.record_refused(action=LOCKED_EVENT, by=by, target=Target.of(user), meta={"method": method})
        raise


def count(*, user: User, method: str, now: datetime) -> guesses.Attempt:
    """Count one guess at the user's codes before anything is looked at.

    Raises SecondFactorLocked when too many were wrong; after a hundred in a row only backup codes are taken.
    """
    key = _key(user)
    in_a_row = guesses.Rule(IN_A_ROW, key, SECOND_FACTOR_FAILURES_IN_A_ROW, None)
    try:
        attempt = guesses.begin(rules=[*guesses.rated(name=WINDOW, key=key), in_a_row], now=now)
    except RateLimited as full:
        raise SecondFactorLocked(retry_after=full.retry_after) from full
    if attempt.exceeded and method == METHOD_TOTP:
        guesses.take_back(attempt=attempt)
        raise SecondFactorLocked(retry_after=SECOND_FACTOR_LOCK_HINT_SECONDS)
    return attempt


def look(*, user: User, code: str, method: str, now: datetime) -> Evidence:
    """Compare a code with the user's confirmed factor; changes nothing. A backup code costs one hash, right or wrong.

    Raises LimiterUnavailable when no hash is free. A secret that cannot be decrypted is a wrong code and an alert.
    """
    if method == METHOD_BACKUP_CODE:
        found = backup_codes.find(user=user, plain=crockford.normalised(code))
        return Evidence(method, found.factor if found else None, found.pk if found else None)
    factor = selectors.second_factor(user)
    return Evidence(method, factor, _step(factor, code, now))


def consume(*, evidence: Evidence, factor: SecondFactor | None, now: datetime) -> Verdict:
    """Use the code up, in the caller's transaction, which holds the lock of `factor`, the user's confirmed one."""
    if evidence.proof is None or factor is None or evidence.factor is None or evidence.factor.pk != factor.pk:
        return Verdict.WRONG
    if evidence.method == METHOD_TOTP:
        unused = SecondFactor.objects.filter(pk=factor.pk, confirmed=True, last_step__lt=evidence.proof)
        return Verdict.RIGHT if unused.update(last_step=evidence.proof) == 1 else Verdict.REPLAYED
    codes = BackupCode.objects.filter(pk=evidence.proof, factor=factor, batch=factor.batch, used_at__isnull=True)
    return Verdict.RIGHT if codes.update(used_at=now) == 1 else Verdict.WRONG


def accepted(*, user: User, evidence: Evidence, now: datetime, by: Actor) -> int | None:
    """Reset the counters and write down, and mail, the use of a backup code; in the transaction that consumed it.

    Returns how many backup codes are left, when it was one.
    """
    forget_failures(user=user)
    if evidence.method != METHOD_BACKUP_CODE:
        return None
    remaining = selectors.backup_codes_remaining(user)
    audit.actions.record(
        action="2fa.backup_used", by=by, target=Target.of(user), meta={"backup_codes_remaining": remaining}
    )
    factor_mails.backup_code_used(user=user, remaining=remaining, now=now, by=by)
    return remaining


def refused(*, user: User, evidence: Evidence, verdict: Verdict, by: Actor) -> None:
    """Write down a wrong or replayed code, outside transactions."""
    audit.actions.record_refused(
        action=event_of(method=evidence.method, verdict=verdict), by=by, target=Target.of(user)
    )


def event_of(*, method: str, verdict: Verdict) -> str:
    """The audit event of a code that did not hold."""
    return REPLAYED_EVENT if verdict is Verdict.REPLAYED else FAILED_EVENT[method]


def forget_failures(*, user: User) -> None:
    """Reset the counters of a user's codes: the factor was shown, or is another one now."""
    guesses.clear(rules=[IN_A_ROW, WINDOW.lower()], keys=[_key(user)])


def secret_of(*, factor: SecondFactor) -> bytes | None:
    """The factor's secret; None, and an alert, when its bytes cannot be decrypted."""
    try:
        return totp.opened(factor)
    except DecryptionFailed:
        with transaction.atomic():
            alert(
                code="second_factor_unreadable",
                record=str(factor.pk),
                summary=f"The second factor of user {factor.user_id} cannot be decrypted.",
                path=f"/admin/accounts/user/{factor.user_id}/change/",
                by=Actor.system("sign-in"),
            )
        return None


def _key(user: User) -> bytes:
    return tokens.derive("guess-second-factor", str(user.pk))


def _step(factor: SecondFactor | None, code: str, now: datetime) -> int | None:
    secret = secret_of(factor=factor) if factor is not None and totp.well_formed(code) else None
    return None if secret is None else totp.matching_step(secret, code, now=now)
