"""The payments part of `manage.py rekey`."""

import uuid

from django.db import transaction

from common.actor import Actor
from common.crypto import DecryptionFailed, is_current
from payments import client_secret
from payments.models import Payment


def rekey(*, by: Actor) -> tuple[int, int]:
    """Encrypt the client secrets of open payments again under the newest FIELD_KEY.

    Returns how many were, and how many no listed key opens: those stay as they are. Each row in a transaction of its
    own; what was done is in the command's audit event, so nothing is recorded for `by` here. Safe to repeat.
    """
    kept = Payment.objects.filter(client_secret__isnull=False)
    outcomes = [_rekey(pk) for pk in kept.values_list("pk", flat=True)]
    return outcomes.count(True), outcomes.count(None)


def _rekey(pk: uuid.UUID) -> bool | None:
    with transaction.atomic():
        payment = Payment.objects.select_for_update(no_key=True).get(pk=pk)
        if payment.client_secret is None or is_current(bytes(payment.client_secret)):
            return False
        try:
            payment.client_secret = client_secret.seal(client_secret.reveal(payment), payment.pk)
        except DecryptionFailed:
            return None
        payment.save(update_fields=["client_secret"])
    return True
