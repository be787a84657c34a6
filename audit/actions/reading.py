"""Reading the log is an act too: who read what stands in the log."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction

from audit.actions.recording import record
from audit.constants import READ_NOTED_MINUTES
from audit.events import READ
from audit.models import AuditEvent
from common.actor import Actor
from common.clock import db_now
from common.masking import masked
from common.target import Target


def note_read(*, query: Mapping[str, Any], by: Actor, turning: bool = False, target: Target | None = None) -> bool:
    """Record that `by` reads what `query` asks for; returns whether it was recorded.

    One query is one event: turning its pages (`turning`) adds none within an hour of the last.
    """
    asked = masked({name: value for name, value in query.items() if value})
    with transaction.atomic():
        if turning and _was_noted(asked, by):
            return False
        record(action=READ, by=by, target=target, meta={"query": asked})
    return True


def _was_noted(asked: Mapping[str, Any], by: Actor) -> bool:
    since = db_now() - timedelta(minutes=READ_NOTED_MINUTES)
    mine = AuditEvent.objects.filter(actor_kind=by.kind.value, actor_id=by.id, at__gte=since, action=READ)
    return mine.filter(meta__query=asked).exists()
