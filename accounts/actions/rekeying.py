"""The accounts part of `manage.py rekey`."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from django.db import transaction
from django.db.models import QuerySet

import audit.actions
from accounts import totp
from accounts.keys import rows
from accounts.models import SecondFactor, SigningKey
from common import crypto
from common.actor import Actor

Row = TypeVar("Row", SecondFactor, SigningKey)


@dataclass(frozen=True)
class Rekeyed:
    """How many rows are under the newest FIELD_KEY since now, and how many no listed key opens."""

    done: int
    unreadable: int


def rekey(*, by: Actor) -> Rekeyed:
    """Encrypt the secrets of second factors and the private signing keys again under the newest FIELD_KEY.

    Each row in a transaction of its own. One that no listed key opens stays as it is. Safe to repeat.
    """
    factors = [_rekey(SecondFactor.objects.all(), row.pk, _factor) for row in SecondFactor.objects.only("pk")]
    sealed = SigningKey.objects.filter(private_ciphertext__isnull=False)
    keys = [_rekey(sealed, row.pk, _signing_key) for row in sealed.only("pk")]
    found = [*factors, *keys]
    total = Rekeyed(found.count(True), found.count(None))
    if total.done:
        with transaction.atomic():
            audit.actions.record(
                action="accounts.rekeyed", by=by, meta={"factors": factors.count(True), "keys": keys.count(True)}
            )
    return total


def _rekey(table: QuerySet[Row], pk: uuid.UUID, seal_again: Callable[[Row], bool | None]) -> bool | None:
    """True when the row was sealed again, False when it need not be, None when no listed key opens it."""
    with transaction.atomic():
        row = table.select_for_update(no_key=True).filter(pk=pk).first()
        return False if row is None else seal_again(row)


def _factor(row: SecondFactor) -> bool | None:
    if crypto.is_current(bytes(row.secret_ciphertext)):
        return False
    try:
        row.secret_ciphertext = totp.seal(row, totp.opened(row))
    except crypto.DecryptionFailed:
        return None
    row.save(update_fields=["secret_ciphertext"])
    return True


def _signing_key(row: SigningKey) -> bool | None:
    if crypto.is_current(bytes(row.private_ciphertext or b"")):
        return False
    key = rows.unseal(row)
    if key is None:
        return None
    row.private_ciphertext = rows.seal(row, key)
    row.save(update_fields=["private_ciphertext"])
    return True
