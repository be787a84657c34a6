"""What happens to content by itself, at the times that were planned for it."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import Q

from cms import registry
from cms.actions import publishing
from cms.actions.effects import Act
from cms.constants import LATE_AFTER_SECONDS, PROBLEM_MAX, State
from cms.locks import locked
from cms.models import Publishable
from common.actor import Actor
from common.errors import DomainError
from jobs.actions.alerts import alert

logger = logging.getLogger(__name__)
RUN_LIMIT = 500  # items of one run; the next one takes the rest
PASSED = "The whole time in which it was to be public has passed."
REFUSED = "The database refused its values."


def run_due(*, by: Actor, now: datetime, limit: int = RUN_LIMIT) -> int:
    """Do what is due by `now`, the oldest first, each item in a transaction of its own; return for how many.

    What cannot be published is called off with its reason. A fault of ours with one item does not hold up the others:
    it is raised in the end.
    """
    faults: list[DatabaseError] = []
    done = 0
    for item in sorted(_due(now), key=_since)[:limit]:
        try:
            done += carry_out(item=item, by=by, now=now)
        except DatabaseError as fault:
            logger.exception("scheduled_move_failed", extra={"item": f"{item._meta.model_name}:{item.pk}"})
            faults.append(fault)
    if faults:
        raise faults[0]
    return done


def _due(now: datetime) -> Iterator[Publishable]:
    reached = Q(publish_at__lte=now) | Q(unpublish_at__lte=now)
    for model in registry.all_models():
        yield from model._default_manager.filter(reached)


def _since(item: Publishable) -> datetime:
    return min(at for at in (item.publish_at, item.unpublish_at) if at is not None)


@transaction.atomic
def carry_out(*, item: Publishable, by: Actor, now: datetime) -> bool:
    """Do what is due for one item, if it still is; returns whether anything was.

    The scheduled revision is published, whatever became of the draft. When the time to come off has passed as well,
    nothing is shown any more: what would only flash up is not published at all.
    """
    row = locked(item)
    over = row.unpublish_at is not None and row.unpublish_at <= now
    if over and row.is_public:
        said = _said("Taken off the site", row.unpublish_at, now)
        publishing.perform(item=row, move="unpublish", act=Act(by, now, said), by=by)
    elif over:
        _call_off(row, PASSED, by, now)
    elif row.state == State.SCHEDULED and row.publish_at is not None and row.publish_at <= now:
        _publish(row, by, now)
    else:
        return False
    return True


def _publish(row: Publishable, by: Actor, now: datetime) -> None:
    act = Act(by, now, _said("Published", row.publish_at, now), as_scheduled=True)
    try:
        publishing.perform(item=row, move="publish", act=act, by=by)
    except DomainError as fault:
        _call_off(row, fault.in_one_line, by, now)
    except IntegrityError:
        logger.exception("scheduled_publish_refused", extra={"item": f"{row._meta.model_name}:{row.pk}"})
        _call_off(row, REFUSED, by, now)


def _call_off(row: Publishable, reason: str, by: Actor, now: datetime) -> None:
    """Back to a draft, or to what is live; the reason stays with the item and goes to people."""
    problem = f"Not published at {_local(row.publish_at or now)}: {reason}"[:PROBLEM_MAX]
    publishing.perform(item=row, move="unschedule", act=Act(by, now, problem), by=by, problem=problem)
    name = row._meta.model_name
    alert(
        code="schedule_failed",
        record=f"{name}:{row.pk}:{row.publish_at or now:%Y-%m-%dT%H:%M:%S}",
        summary=f"{row}: {problem}",
        path=f"/admin/cms/{name}/{row.pk}/change/",
        by=by,
    )


def _said(done: str, due: datetime | None, now: datetime) -> str:
    """What the event says: by the schedule, or how late and when it was due."""
    assert due is not None  # noqa: S101 - only what has a time is due
    late = now - due
    if late <= timedelta(seconds=LATE_AFTER_SECONDS):
        return f"{done} as scheduled."
    return f"{done} {_span(late)} late; it was due at {_local(due)}."


def _span(late: timedelta) -> str:
    hours, minutes = divmod(int(late.total_seconds()) // 60, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min"


def _local(at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(settings.STUDIO_TIME_ZONE)):%Y-%m-%d %H:%M %Z}"
