"""The mail part of `manage.py rekey`."""

from uuid import UUID

from django.db import transaction

from common.actor import Actor
from common.crypto import DecryptionFailed, is_current
from mail import secrets_box
from mail.locks import locked_message
from mail.models import Message


def rekey(*, by: Actor) -> tuple[int, int]:
    """Encrypt the secrets of unsent messages again under the newest FIELD_KEY.

    Returns how many were, and how many no listed key opens: those stay as they are. Each row in a transaction of its
    own, so that mail flows meanwhile; what was done is in the command's audit event. Safe to repeat.
    """
    sealed = list(Message.objects.exclude(secrets=None).values_list("pk", flat=True))
    outcomes = [_rekey(pk) for pk in sealed]
    return outcomes.count(True), outcomes.count(None)


def _rekey(pk: UUID) -> bool | None:
    with transaction.atomic():
        row = locked_message(pk)
        if row.secrets is None or is_current(bytes(row.secrets)):  # sent meanwhile, or up to date
            return False
        try:
            row.secrets = secrets_box.seal(secrets_box.opened(row), row.pk)
        except DecryptionFailed:
            return None
        row.save(update_fields=["secrets"])
    return True
