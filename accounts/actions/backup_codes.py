"""Backup codes: making a batch, finding the code that someone typed."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

import audit.actions
from accounts import crockford, locks
from accounts.actions import sessions
from accounts.errors import TwoFactorNotEnabled
from accounts.hashers import BackupCodeHasher
from accounts.models import BackupCode, SecondFactor, User
from common import limits, tokens
from common.actor import Actor
from common.clock import db_now
from common.retries import once_more
from common.target import Target

_KIND = "backup_code"


@dataclass(frozen=True)
class Batch:
    """New codes for people, and what the rows will keep of them."""

    shown: Sequence[str]
    hashed: Sequence[tuple[str, str, str]]


def make() -> Batch:
    """A batch that is not stored yet; costs ten hashes, so call it outside locks. Raises LimiterUnavailable."""
    plain = crockford.generate()
    return Batch([crockford.shown(code) for code in plain], [(code[0], *_hashed(code)) for code in plain])


def store(*, factor: SecondFactor, batch: Batch, now: datetime, by: Actor) -> list[str]:
    """Replace a factor's codes, in the caller's transaction, which holds the factor's lock; returns the new ones."""
    factor.batch += 1
    factor.backup_codes_created_at = now
    factor.save(update_fields=["batch", "backup_codes_created_at"])
    factor.backup_codes.all().delete()
    BackupCode.objects.bulk_create(
        BackupCode(factor=factor, batch=factor.batch, selector=selector, code_hash=encoded, pepper_id=pepper_id)
        for selector, encoded, pepper_id in batch.hashed
    )
    audit.actions.record(
        action="2fa.backup_issued", by=by, target=Target.of(factor.user), meta={"backup_codes": len(batch.shown)}
    )
    return list(batch.shown)


def regenerate(*, user: User, by: Actor) -> list[str]:
    """New codes for a user whose factor was shown just now, by an app's code; the old ones are dead.

    The caller has demanded that. Raises TwoFactorNotEnabled, RateLimited, LimiterUnavailable, and SessionRevoked when
    the session of the act was ended meanwhile.
    """
    limits.hit("REGENERATE_BACKUP_CODES_USER", key=str(user.pk))
    if not SecondFactor.objects.filter(user=user, confirmed=True).exists():
        raise TwoFactorNotEnabled
    return _replace(user, make(), by)


@once_more
@transaction.atomic
def _replace(user: User, batch: Batch, by: Actor) -> list[str]:
    factor = locks.confirmed_factor(locks.user(user.pk))
    if factor is None:
        raise TwoFactorNotEnabled
    sessions.check_not_ended(session_id=by.session_id)
    return store(factor=factor, batch=batch, now=db_now(), by=by)


def find(*, user: User, plain: str | None) -> BackupCode | None:
    """The code's row with its factor, used or not, when the code is right for the user's confirmed factor.

    Costs one hash whatever the answer; changes nothing.

    Raises LimiterUnavailable when no hash is free for too long.
    """
    row = None
    if plain is not None:
        present = BackupCode.objects.filter(factor__user=user, factor__confirmed=True, batch=F("factor__batch"))
        row = present.select_related("factor").filter(selector=plain[0]).first()
    peppered = None if row is None or plain is None else _peppered(plain, row.pepper_id)
    hasher = BackupCodeHasher()
    if row is None or peppered is None:
        hasher.encode(plain or "", hasher.salt())
        return None
    return row if hasher.verify(peppered, row.code_hash) else None


def _hashed(plain: str) -> tuple[str, str]:
    digest = tokens.digest(_KIND, plain)
    hasher = BackupCodeHasher()
    return hasher.encode(digest.hash.hex(), hasher.salt()), digest.pepper_id


def _peppered(plain: str, pepper_id: str) -> str | None:
    """The code under the pepper of its row, or None when that pepper is no longer listed."""
    known = {digest.pepper_id: digest.hash for digest in tokens.candidates(_KIND, plain)}
    return known[pepper_id].hex() if pepper_id in known else None
