"""Marks on addresses that mail does not reach."""

from datetime import datetime

from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.target import Target
from mail.addresses import canonical
from mail.constants import ERROR_LENGTH
from mail.events import ADDRESS_CLEARED
from mail.locks import locked_mark
from mail.models import MarkedAddress, Message


def mark(*, message: Message, complaint: bool, at: datetime, detail: str) -> None:
    """Note that the message's address refused it for good, or that its reader complained; the newest instant stays.

    Needs a transaction. The caller's event is the record of it.
    """
    address = canonical(message.to)
    field = "complained_at" if complaint else "bounced_at"
    _, is_new = MarkedAddress.objects.get_or_create(
        address=address, defaults={field: at, "detail": detail[:ERROR_LENGTH], "message": message}
    )
    row = None if is_new else locked_mark(address)
    if row is None:
        return
    known: datetime | None = getattr(row, field)
    if known is None or at > known:
        setattr(row, field, at)
        row.detail, row.message = detail[:ERROR_LENGTH], message
        row.save()


def clear(*, marked: MarkedAddress, by: Actor) -> None:
    """Forget the mark, because somebody knows that the address works again. Nothing happens if it is gone."""
    with transaction.atomic():
        row = locked_mark(marked.address)
        if row is None:
            return
        record(
            action=ADDRESS_CLEARED,
            by=by,
            target=Target.of(row),
            before={"bounced_at": row.bounced_at, "complained_at": row.complained_at},
            after={"bounced_at": None, "complained_at": None},
        )
        row.delete()
