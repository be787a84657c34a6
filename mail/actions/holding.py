"""Holding mail back, and what people do with a held or waiting message."""

from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.target import Target
from mail.actions.outbox import queue
from mail.errors import NotHeld, NotWaiting
from mail.events import DROPPED, HELD, LET_GO
from mail.locks import locked_message
from mail.models import Message, State

ON_ITS_WAY = (State.QUEUED, State.SENDING)


def hold_waiting(*, reason: str, by: Actor) -> int:
    """Hold every message back that has not certainly left, until somebody decides; return how many.

    For a restored system: what its backup shows as waiting may have been sent since.
    """
    with transaction.atomic():
        waiting = Message.objects.filter(state__in=ON_ITS_WAY).order_by("pk")
        ids = list(waiting.select_for_update().values_list("pk", flat=True))
        Message.objects.filter(pk__in=ids).update(state=State.HELD)
        if ids:
            record(action=HELD, by=by, reason=reason, meta={"count": len(ids)})
    return len(ids)


def let_go(*, message: Message, by: Actor) -> None:
    """Queue a held message. Raises NotHeld."""
    with transaction.atomic():
        row = locked_message(message.pk)
        if row.state != State.HELD:
            raise NotHeld
        _move(row, State.QUEUED, LET_GO, by)
        queue(message=row, by=by)


def drop(*, message: Message, by: Actor) -> None:
    """Decide that a held or waiting message is never sent, and erase its secrets. Raises NotWaiting."""
    with transaction.atomic():
        row = locked_message(message.pk)
        if row.state not in {State.HELD, State.QUEUED}:
            raise NotWaiting
        row.secrets = None
        _move(row, State.DROPPED, DROPPED, by)


def _move(row: Message, state: State, event: str, by: Actor) -> None:
    before, row.state = row.state, state
    row.save(update_fields=["state", "secrets"])
    record(
        action=event,
        by=by,
        target=Target.of(row),
        before={"state": before},
        after={"state": state.value},
        meta={"template": row.template},
    )
