"""The mail part of `manage.py rekey`."""

from common import rekeying
from common.actor import Actor
from common.rekeying import Rekeyed
from mail import secrets_box
from mail.models import Message


def rekey(*, by: Actor) -> Rekeyed:
    """Encrypt the secrets of unsent messages again under the newest FIELD_KEY; the command's event is their record."""
    return rekeying.rekey(Message.objects.all(), column="secrets", sealed_again=_sealed_again)


def _sealed_again(row: Message) -> bytes | None:
    return secrets_box.seal(secrets_box.opened(row), row.pk)
