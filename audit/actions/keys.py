"""Making and keeping the keys that sign the seals."""

import secrets

from django.db import transaction

from audit import keys
from audit.actions.recording import record
from audit.models import AuditSigningKey
from audit.signatures import Signer
from common.actor import Actor
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


def rekey(*, by: Actor) -> int:
    """Seal the private halves under the newest FIELD_KEY; returns how many were sealed again.

    One that no listed FIELD_KEY opens stays as it is.
    """
    done = 0
    with transaction.atomic():
        for row in AuditSigningKey.objects.exclude(private_ciphertext=None).order_by("key_id"):
            signer = None if keys.is_current(row) else keys.unseal(row)
            if signer is not None:
                sealed = keys.seal(signer.seed, row.key_id)
                done += AuditSigningKey.objects.filter(pk=row.pk).update(private_ciphertext=sealed)
        if done:
            record(action="audit.rekeyed", by=by, meta={"keys": done})
    return done


def _keep(signer: Signer, *, sealed: bytes | None, by: Actor) -> None:
    row = AuditSigningKey(key_id=signer.key_id, public_key=signer.public_key, private_ciphertext=sealed)
    if AuditSigningKey.objects.filter(pk=row.pk).exists():
        return
    with transaction.atomic():
        AuditSigningKey.objects.bulk_create([row], ignore_conflicts=True)
        record(action="audit.key_kept", by=by, target=Target("audit.auditsigningkey", row.key_id, row.key_id))
