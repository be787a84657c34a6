"""The accounts part of `manage.py rekey`."""

from django.db import transaction

import audit.actions
from accounts import totp
from accounts.keys import rows
from accounts.models import SecondFactor, SigningKey
from common import crypto, rekeying
from common.actor import Actor
from common.rekeying import Rekeyed


def rekey(*, by: Actor) -> Rekeyed:
    """Encrypt the secrets of second factors and the private signing keys again under the newest FIELD_KEY."""
    factors = rekeying.rekey(SecondFactor.objects.all(), column="secret_ciphertext", sealed_again=_factor)
    keys = rekeying.rekey(SigningKey.objects.all(), column="private_ciphertext", sealed_again=_signing_key)
    total = Rekeyed(factors.done + keys.done, factors.unreadable + keys.unreadable)
    if total.done:
        with transaction.atomic():
            meta = {"factors": factors.done, "keys": keys.done}
            audit.actions.record(action="accounts.rekeyed", by=by, meta=meta)
    return total


def _factor(row: SecondFactor) -> bytes:
    return totp.seal(row, totp.opened(row))


def _signing_key(row: SigningKey) -> bytes:
    key = rows.unseal(row)
    if key is None:
        raise crypto.DecryptionFailed
    return rows.seal(row, key)
