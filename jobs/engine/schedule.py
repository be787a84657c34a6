"""The schedule: each kind with `every` gets one job a slot, whoever inserts it first."""

from datetime import UTC, datetime, timedelta

from common import handlers
from common.actor import Actor
from common.handlers import Handler
from jobs.models import Job, State

BY = Actor.system("schedule")


def slot_of(now: datetime, every: timedelta) -> datetime:
    """Return the start of the slot that holds `now`: slots are counted from 1970, so all processes agree."""
    step = every.total_seconds()
    return datetime.fromtimestamp(now.timestamp() // step * step, tz=UTC)


class Schedule:
    """One process's view of the schedule: it asks the database once a slot and kind, not at every poll."""

    def __init__(self) -> None:
        self._seen: dict[str, datetime] = {}

    def insert_due(self, now: datetime) -> int:
        """Insert the current slot of every scheduled kind that has none yet; return how many were ours to try."""
        tried = 0
        for handler in handlers.registry.values():
            if handler.every is None:
                continue
            slot = slot_of(now, handler.every)
            if self._seen.get(handler.kind) != slot:
                tried += _insert(handler, slot, now)
                self._seen[handler.kind] = slot
        return tried


def _insert(handler: Handler, slot: datetime, now: datetime) -> bool:
    """Insert one slot, unless an earlier one has not even begun: without workers they would pile up."""
    waiting = Job.objects.filter(kind=handler.kind, slot__isnull=False, attempts=0, state__in=(State.NEW, State.SENT))
    if waiting.exists():
        return False
    job = Job(
        kind=handler.kind,
        slot=slot,
        args_version=handler.args_version,
        max_attempts=handler.max_attempts,
        run_at=now,
        created_at=now,
        actor_kind=BY.kind.value,
        actor_id=BY.id,
    )
    Job.objects.bulk_create([job], ignore_conflicts=True)
    return True
