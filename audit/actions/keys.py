"""Making and keeping the keys that sign the seals."""

import secrets

from django.db import transaction

from audit import keys
from audit.actions.recording import record
from audit.models import AuditSigningKey
from audit.signatures import Signer
from common import rekeying
from common.actor import Actor
from common.crypto import DecryptionFailed
from common.rekeying import Rekeyed
from common.target import Target

SEED_BYTES = 32


def ensure(*, by: Actor) -> Signer:
    """Return the key that signs, making one where the environment gives none; the public half is kept for ever.

    Safe to repeat and to run twice at once.
    """
    signer = keys.signer()
    if signer is None:
        signer = Signer(secrets.token_bytes(SEED_BYTES))
        _keep(signer, sealed=keys.seal(signer.seed, signer.key_id), by=by)
        return keys.signer() or signer
    for listed in keys.from_environment():
        _keep(listed, sealed=None, by=by)
    return signer


def rekey(*, by: Actor) -> Rekeyed:
    """Seal the private halves again under the newest FIELD_KEY."""
    found = rekeying.rekey(AuditSigningKey.objects.all(), column="private_ciphertext", sealed_again=_sealed_again)
    if found.done:
        with transaction.atomic():
            record(action="audit.rekeyed", by=by, meta={"keys": found.done})
    return found


def _sealed_again(row: AuditSigningKey) -> bytes:
    signer = keys.unseal(row)
    if signer is None:
        raise DecryptionFailed
    return keys.seal(signer.seed, row.key_id)


def _keep(signer: Signer, *, sealed: bytes | None, by: Actor) -> None:
    row = AuditSigningKey(key_id=signer.key_id, public_key=signer.public_key, private_ciphertext=sealed)
    if AuditSigningKey.objects.filter(pk=row.pk).exists():
        return
    with transaction.atomic():
        AuditSigningKey.objects.bulk_create([row], ignore_conflicts=True)
        record(action="audit.key_kept", by=by, target=Target("audit.auditsigningkey", row.key_id, row.key_id))
