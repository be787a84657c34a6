"""The mail part of `manage.py rekey`."""

from django.db import transaction

from common.actor import Actor
from mail import secrets_box
from mail.locks import locked_message
from mail.models import Message


def rekey(*, by: Actor) -> int:
    """Encrypt the secrets of unsent messages again under the newest FIELD_KEY; return how many were under another.

    Each row in a transaction of its own, so that mail flows meanwhile. Raises `crypto.DecryptionFailed` for a row
    whose key is no longer listed.
    """
    return sum(_rekey(message) for message in Message.objects.exclude(secrets=None).only("pk", "secrets").iterator())


def _rekey(message: Message) -> bool:
    if message.secrets is None or secrets_box.is_current(bytes(message.secrets)):
        return False
    with transaction.atomic():
        row = locked_message(message.pk)
        if row.secrets is None:  # sent meanwhile
            return False
        row.secrets = secrets_box.seal(secrets_box.opened(row), row.pk)
        row.save(update_fields=["secrets"])
    return True
