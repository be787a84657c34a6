"""Making and rotating the keys that sign access tokens."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Q, QuerySet

import audit.actions
from accounts.constants import ACCESS_LEEWAY_SECONDS, ACCESS_TTL_SECONDS, JWKS_MAX_AGE_SECONDS, KEY_RING_SECONDS
from accounts.errors import SigningUnavailable
from accounts.keys import jwk, overrides, ring, rows
from accounts.keys.overrides import PublicSigner
from accounts.models import SigningKey
from common.actor import Actor
from common.clock import db_now
from common.health import Check
from common.target import Target

# Every verifier has read the key set again by then.
PUBLISH_AHEAD = timedelta(seconds=JWKS_MAX_AGE_SECONDS + KEY_RING_SECONDS)
# A new release serves on every machine by then, and nobody signs with the former override any more.
OVERRIDE_HANDOVER = timedelta(days=1)
VERIFY_AFTER = timedelta(seconds=ACCESS_TTL_SECONDS + ACCESS_LEEWAY_SECONDS + JWKS_MAX_AGE_SECONDS)


@dataclass(frozen=True)
class Rotation:
    """The new key and when it starts to sign."""

    key: SigningKey
    activates_at: datetime


def ensure(*, by: Actor) -> SigningKey | None:
    """Make the first signing key, or record the public half of an override; safe to repeat and to run twice at once.

    Returns the row it made, or None when there was nothing to do (or tokens are signed with JWT_SECRET). Raises
    SigningUnavailable when the override cannot be had.
    """
    if ring.uses_hs256():
        return None
    override = overrides.signer()
    with transaction.atomic():
        _lock_table()
        now = db_now()
        if override is not None:
            made = _publish(override, now, now, by)
            _retire_former_overrides(override.kid, now)
        else:
            made = None if _active(now) else _create(now, now, by)
    ring.forget()
    return made


def warm_up() -> None:
    """Fetch the public half of a KMS key when a process starts; without KMS, or while it is away, nothing happens."""
    if not overrides.configured():
        return
    try:
        overrides.signer()
    except SigningUnavailable:
        return


def key_of_the_environment() -> bool:
    """Whether a key of the environment signs in place of the rows."""
    return overrides.configured()


def shared_secret() -> bool:
    """Whether JWT_SECRET signs, so that no key is needed."""
    return ring.uses_hs256()


def check() -> Check:
    """Whether someone signs now: one signature is made and thrown away."""
    try:
        ring.current().signer(db_now()).sign(b"check")
    except SigningUnavailable as fault:
        return Check("signing", "down", fault.code)
    return Check("signing", "ok")


def publish(*, signer: PublicSigner, at_once: bool, by: Actor) -> Rotation:
    """Record the public half of the override to come. Published before: nothing changes.

    `activates_at` says when the variable may change. `at_once`, after a leak: the other keys are gone, and nobody signs
    before the variable has changed.
    """
    with transaction.atomic():
        _lock_table()
        now = db_now()
        if at_once:
            _living(now).exclude(kid=signer.kid).update(retires_at=now, gone_at=now)
        _publish(signer, now, now if at_once else now + PUBLISH_AHEAD, by)
        row = SigningKey.objects.get(kid=signer.kid)
    ring.forget()
    return Rotation(row, row.activates_at)


def rotate(*, at_once: bool, by: Actor) -> Rotation:
    """Publish the next key. It signs once every verifier can know it.

    `at_once`, after a leak: it signs now and the old ones are gone. Otherwise a rotation that is under way is returned
    instead of a second one.
    """
    with transaction.atomic():
        _lock_table()
        now = db_now()
        due = SigningKey.objects.filter(activates_at__gt=now, private_ciphertext__isnull=False).first()
        if due is not None and not at_once:
            return Rotation(due, due.activates_at)
        activates_at = now if at_once else now + PUBLISH_AHEAD
        former = _living(now)
        if at_once:
            former.update(retires_at=now, gone_at=now)
        else:
            former.filter(retires_at__isnull=True).update(retires_at=activates_at, gone_at=activates_at + VERIFY_AFTER)
        made = _create(now, activates_at, by)
    ring.forget()
    return Rotation(made, activates_at)


def erase_retired(*, now: datetime) -> int:
    """Erase the private halves of keys that sign no more, in the caller's transaction; returns how many."""
    return SigningKey.objects.filter(retires_at__lte=now, private_ciphertext__isnull=False).update(
        private_ciphertext=None
    )


def _active(now: datetime) -> bool:
    rows_ = SigningKey.objects.filter(private_ciphertext__isnull=False)
    return rows_.filter(Q(retires_at__isnull=True) | Q(retires_at__gt=now)).exists()


def _create(published_at: datetime, activates_at: datetime, by: Actor) -> SigningKey:
    key = rows.generate()
    public = jwk.public(key.public_key())
    row = SigningKey(
        kid=jwk.thumbprint(public), public_jwk=public, published_at=published_at, activates_at=activates_at
    )
    row.private_ciphertext = rows.seal(row, key)
    row.save(force_insert=True)
    audit.actions.record(action="signing_key.created", by=by, target=Target.of(row))
    return row


def _publish(signer: PublicSigner, now: datetime, activates_at: datetime, by: Actor) -> SigningKey | None:
    """The new row of a public half; None when there is one, which lives on unless it is gone."""
    known = SigningKey.objects.filter(kid=signer.kid)
    if known.exists():
        known.filter(gone_at__gt=now).update(retires_at=None, gone_at=None)
        return None
    row = SigningKey.objects.create(
        kid=signer.kid, public_jwk=jwk.public(signer.public_key), published_at=now, activates_at=activates_at
    )
    audit.actions.record(action="signing_key.published", by=by, target=Target.of(row))
    return row


def _retire_former_overrides(kid: str, now: datetime) -> None:
    """Public halves older than the present override's: their variable has changed. Key rows stay as they are."""
    present = SigningKey.objects.get(kid=kid)
    former = SigningKey.objects.filter(private_ciphertext__isnull=True, retires_at__isnull=True)
    retires_at = now + OVERRIDE_HANDOVER
    former.filter(activates_at__lt=present.activates_at).update(
        retires_at=retires_at, gone_at=retires_at + VERIFY_AFTER
    )


def _living(now: datetime) -> QuerySet[SigningKey]:
    return SigningKey.objects.filter(Q(gone_at__isnull=True) | Q(gone_at__gt=now))


def _lock_table() -> None:
    """One at a time for the rest of the transaction; readers go on. Keys are made a few times a year."""
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {SigningKey._meta.db_table} IN SHARE ROW EXCLUSIVE MODE")
