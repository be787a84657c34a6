"""Row locks of the outbox. One row at a time, and always before rows of jobs."""

from uuid import UUID

from common.errors import NotFound
from mail.models import Message


def locked_message(message_id: UUID | str) -> Message:
    """Return the message, locked until the transaction ends. Raises NotFound."""
    message = Message.objects.select_for_update().filter(pk=message_id).first()
    if message is None:
        raise NotFound("There is no such message.")
    return message
