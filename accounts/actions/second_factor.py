"""Enrolling, replacing and switching off the second factor.

`NONE → PENDING (ten minutes) → CONFIRMED`: a secret counts once a code has shown that the app holds it. That code is
used up by it. Every change ends the user's other sessions and open challenges.
"""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

import audit.actions
from accounts import locks, selectors, totp
from accounts.actions import backup_codes, codes, enrollment, factor_mails, open_challenges, sessions
from accounts.actions.backup_codes import Batch
from accounts.actions.challenges import Proven
from accounts.actions.sessions import Prepared, TokenPair
from accounts.constants import AMR_ONE_TIME_CODE, AMR_PASSWORD, ENROLLMENT_FAILURES, ENROLLMENT_TTL_SECONDS
from accounts.errors import (
    CodeInvalid,
    EnrollmentExpired,
    EnrollmentInvalid,
    SessionRevoked,
    TwoFactorNotEnabled,
    TwoFactorRequiredByPolicy,
)
from accounts.models import EnrollmentToken, SecondFactor, Session, User
from common import limits
from common.actor import Actor
from common.clock import db_now
from common.errors import DomainError
from common.retries import once_more
from common.target import Target

AMR = (AMR_PASSWORD, AMR_ONE_TIME_CODE)


@dataclass(frozen=True)
class EnrollmentBegun:
    """The secret, in base 32 and as an otpauth URI; both are shown this once."""

    id: uuid.UUID
    secret: str
    otpauth_uri: str
    expires_in: int


@dataclass(frozen=True)
class Confirmed:
    """The backup codes, shown this once, and the factor that they belong to."""

    codes: list[str]
    factor: SecondFactor
    pair: TokenPair | None


@dataclass(frozen=True)
class _Proof:
    """A code that was compared, and what would be stored if it holds under the locks."""

    pending: SecondFactor
    step: int | None
    batch: Batch | None
    prepared: Prepared | None
    token: EnrollmentToken | None
    kept: Session | None
    by: Actor


def begin(*, user: User, by: Actor) -> EnrollmentBegun:
    """A new secret for a user; replaces one that waits. The caller has demanded what `reauthentication` says.

    Raises RateLimited.
    """
    limits.hit("ENROLL_SECOND_FACTOR_USER", key=str(user.pk))
    secret = totp.new_secret()
    return shown(pending=_store_pending(user, secret, by), secret=secret, expires_in=ENROLLMENT_TTL_SECONDS)


def shown(*, pending: SecondFactor, secret: bytes, expires_in: int) -> EnrollmentBegun:
    """What the user sees of an enrolment that waits for its code."""
    uri = totp.uri(secret, account=pending.user.email, issuer=settings.STUDIO_NAME)
    return EnrollmentBegun(pending.pk, totp.base32(secret), uri, expires_in)


def begin_with_token(*, token: str, by: Actor) -> EnrollmentBegun:
    """As `begin`, for the holder of an enrolment token. Raises EnrollmentInvalid too."""
    return begin(user=enrollment.usable(token=token, now=db_now()).user, by=by)


def confirm(*, user: User, enrollment_id: uuid.UUID, code: str, by: Actor, session: Session | None = None) -> list[str]:
    """Enable the secret that waits, by a code of it; returns the backup codes, which are shown this once.

    A factor that was enabled before is replaced. `session` is the one in which it happens: it alone lives on, proven by
    the new factor. Raises EnrollmentInvalid, EnrollmentExpired, CodeInvalid (with `attempts_left`; after the fifth the
    enrolment is dead), LimiterUnavailable.
    """
    return _confirm(user, enrollment_id, code, by, kept=session).codes


def confirm_with_token(
    *, token: str, enrollment_id: uuid.UUID, code: str, transport: Session.Transport, by: Actor
) -> tuple[list[str], TokenPair]:
    """As `confirm`, for the holder of an enrolment token, which is used up; opens a session.

    Raises SigningUnavailable too; nothing is used up then.
    """
    found = enrollment.usable(token=token, now=db_now())
    done = _confirm(found.user, enrollment_id, code, by, token=found, transport=transport)
    if done.pair is None:
        raise RuntimeError("A session was asked for and none was stored.")
    return done.codes, done.pair


def confirm_at_door(*, token: str, enrollment_id: uuid.UUID, code: str, by: Actor) -> tuple[list[str], Proven]:
    """As `confirm_with_token`, for a door that opens no API session."""
    found = enrollment.usable(token=token, now=db_now())
    done = _confirm(found.user, enrollment_id, code, by, token=found)
    return done.codes, Proven(found.user, done.factor, list(AMR))


def disable(*, user: User, by: Actor, session: Session | None = None) -> None:
    """Switch the factor off; `session` lives on by the password alone, all others end.

    The caller has demanded a recent confirmation with the factor. Raises TwoFactorRequiredByPolicy,
    TwoFactorNotEnabled, RateLimited.
    """
    limits.hit("DISABLE_SECOND_FACTOR_USER", key=str(user.pk))
    if settings.STAFF_TWO_FACTOR == "required":
        raise TwoFactorRequiredByPolicy
    _disable(user, session, by)


@once_more
@transaction.atomic
def _store_pending(user: User, secret: bytes, by: Actor) -> SecondFactor:
    locks.user(user.pk)
    now = db_now()
    SecondFactor.objects.filter(user=user, confirmed=False).delete()
    factor = SecondFactor(user=user, created_at=now, expires_at=now + timedelta(seconds=ENROLLMENT_TTL_SECONDS))
    factor.secret_ciphertext = totp.seal(factor, secret)
    factor.save(force_insert=True)
    audit.actions.record(action="2fa.enroll_started", by=by, target=Target.of(user))
    return factor


@once_more
@transaction.atomic
def _disable(user: User, kept: Session | None, by: Actor) -> None:
    now = db_now()
    open_challenges.supersede_all(user=user, now=now)
    present = locks.user(user.pk)
    if locks.confirmed_factor(present) is None:
        raise TwoFactorNotEnabled
    SecondFactor.objects.filter(user=present).delete()
    codes.forget_failures(user=present)
    _end_other_sessions(present, kept, [AMR_PASSWORD], now)
    audit.actions.record(action="2fa.disabled", by=by, target=Target.of(present))
    factor_mails.changed(user=present, template=factor_mails.DISABLED, now=now, by=by)


def _confirm(
    user: User,
    enrollment_id: uuid.UUID,
    code: str,
    by: Actor,
    *,
    kept: Session | None = None,
    token: EnrollmentToken | None = None,
    transport: Session.Transport | None = None,
) -> Confirmed:
    now = db_now()
    pending = _waiting(SecondFactor.objects.filter(pk=enrollment_id, user=user), now)
    secret = codes.secret_of(factor=pending)
    step = None if secret is None else totp.matching_step(secret, code, now=now)
    batch = prepared = None
    if step is not None:
        batch = backup_codes.make()
        if transport is not None:
            prepared = sessions.prepare(user=user, amr=AMR, transport=transport, now=now)
    outcome = _decide(_Proof(pending, step, batch, prepared, token, kept, by))
    if isinstance(outcome, DomainError):
        audit.actions.record_refused(action="2fa.failed", by=by, target=Target.of(user), meta={"enrollment": True})
        raise outcome
    return outcome


@once_more
@transaction.atomic
def _decide(proof: _Proof) -> Confirmed | DomainError:
    """Under the locks of token, challenges, user and factors. A wrong code is returned: its count is committed."""
    now = db_now()
    if proof.batch is not None:
        enrollment.use_up(token=proof.token, now=now)
        open_challenges.supersede_all(user=proof.pending.user, now=now)
    user = locks.user(proof.pending.user_id)
    rows = locks.factors(user, pending=proof.pending.pk)
    pending = _waiting([row for row in rows if row.pk == proof.pending.pk], now)
    if proof.batch is None or proof.step is None:
        return _count_failure(pending)
    former = [row for row in rows if row.confirmed]
    _still_entitled(proof, user, former)
    return _enable(proof, user, pending, former, now)


def _still_entitled(proof: _Proof, user: User, former: Sequence[SecondFactor]) -> None:
    """What opened the enrolment must stand under the locks too: hashing the codes takes time."""
    if proof.token is not None:
        same = selectors.has_fingerprint(user, proof.token.password_fingerprint)
        if former or not user.is_active or not same:
            raise EnrollmentInvalid
    if proof.kept is not None and Session.objects.filter(pk=proof.kept.pk, revoked_at__isnull=False).exists():
        raise SessionRevoked


def _enable(
    proof: _Proof, user: User, pending: SecondFactor, former: Sequence[SecondFactor], now: datetime
) -> Confirmed:
    if proof.batch is None or proof.step is None:
        raise RuntimeError("Only a right code enables a factor.")
    for row in former:
        row.delete()
    pending.confirmed, pending.confirmed_at, pending.expires_at = True, now, None
    pending.last_step = proof.step
    pending.save(update_fields=["confirmed", "confirmed_at", "expires_at", "last_step"])
    codes.forget_failures(user=user)
    meta = {"replaced": bool(former)}
    audit.actions.record(action="2fa.enabled", by=proof.by, target=Target.of(user), meta=meta)
    shown = backup_codes.store(factor=pending, batch=proof.batch, now=now, by=proof.by)
    enrollment.use_up_all(user=user, now=now)
    if proof.kept is not None:
        proof.kept.reauth_at = now
    _end_other_sessions(user, proof.kept, AMR, now)
    factor_mails.changed(user=user, template=factor_mails.ENABLED, now=now, by=proof.by)
    pair = sessions.store(prepared=proof.prepared) if proof.prepared else None
    return Confirmed(shown, pending, pair)


def _end_other_sessions(user: User, kept: Session | None, amr: Sequence[str], now: datetime) -> None:
    """The session in which the factor changed counts as proven this way from now on; the others have not been."""
    reason = Session.RevokeReason.SECOND_FACTOR
    sessions.end_all(user=user, reason=reason, now=now, keep=kept.pk if kept else None)
    if kept is not None:
        kept.amr, kept.reauth_amr = list(amr), list(amr)
        kept.save(update_fields=["amr", "reauth_at", "reauth_amr"])


def _waiting(rows: Iterable[SecondFactor], now: datetime) -> SecondFactor:
    """The one row of an enrolment that can still be confirmed."""
    found = next(iter(rows), None)
    if found is None or found.confirmed or found.failures >= ENROLLMENT_FAILURES:
        raise EnrollmentInvalid
    if found.expires_at is None or found.expires_at <= now:
        raise EnrollmentExpired
    return found


def _count_failure(pending: SecondFactor) -> DomainError:
    pending.failures += 1
    pending.save(update_fields=["failures"])
    return CodeInvalid(members={"attempts_left": ENROLLMENT_FAILURES - pending.failures})
