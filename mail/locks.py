"""Row locks of the outbox: messages by their id, then addresses by their spelling, then rows of jobs."""

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q

from common.errors import NotFound
from mail.models import MarkedAddress, Message


def locked_message(message_id: UUID | str) -> Message:
    """Return the message, locked until the transaction ends. Raises NotFound."""
    message = Message.objects.select_for_update().filter(pk=message_id).first()
    if message is None:
        raise NotFound("There is no such message.")
    return message


def locked_reported(*, ours: Collection[UUID], theirs: Collection[str]) -> list[Message]:
    """Return the messages of these ids, ours or the provider's, in the order of their ids; locked."""
    rows = Message.objects.filter(Q(pk__in=ours) | Q(provider_id__in=theirs)).order_by("pk")
    return list(rows.select_for_update())


def locked_mark(address: str) -> MarkedAddress | None:
    """Return the mark of the address, which is in its canonical form; locked."""
    return MarkedAddress.objects.select_for_update().filter(address=address).first()
