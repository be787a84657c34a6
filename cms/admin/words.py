"""What staff read about an item: where it stands, when something happens."""

import math
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.dateformat import format as formatted
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cms.constants import TRASH_DAYS, State
from cms.models import ContentItem, Publishable

MINUTE, HOUR, DAY = 60, 3600, 86400
WITHDRAWN = "It is off the site at once, because its consent is no longer recorded."


def moment(value: datetime, *, now: datetime | None = None) -> str:
    """An instant in the studio's zone, as `Tue 24 Nov 09:00 EAT`; with its year when that is not the present one."""
    local = timezone.localtime(value)
    another_year = now is not None and timezone.localtime(now).year != local.year
    return formatted(local, "D j M Y H:i T" if another_year else "D j M H:i T")


def distance(value: datetime, *, now: datetime) -> str:
    """How far an instant lies from now: `in 2 days`, `in 3 hours`, `now`, `5 minutes ago`."""
    seconds = (value - now).total_seconds()
    if abs(seconds) < MINUTE:
        return "now"
    if abs(seconds) < HOUR:
        length = _counted(round(abs(seconds) / MINUTE), "minute")
    elif abs(seconds) < DAY:
        length = _counted(round(abs(seconds) / HOUR), "hour")
    else:
        days = (timezone.localtime(value).date() - timezone.localtime(now).date()).days
        length = _counted(abs(days), "day")
    return f"in {length}" if seconds > 0 else f"{length} ago"


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"


def state(obj: Publishable, *, now: datetime, hidden: bool = False) -> str:
    """Where an item stands; `hidden` leaves out what only those may know who may read the draft."""
    if isinstance(obj, ContentItem) and obj.deleted_at is not None:
        return f"In the trash · {_days_left(obj.deleted_at, now)}"
    if hidden:
        return str(State.LIVE.label)
    words = [str(State.LIVE.label if obj.is_public else State(obj.state).label)]
    if obj.state == State.SCHEDULED and obj.publish_at:
        planned = f"cheduled {moment(obj.publish_at, now=now)}, {distance(obj.publish_at, now=now)}"
        words = [*words, f"changes s{planned}"] if obj.is_public else [f"S{planned}"]
    elif obj.has_unpublished_changes:
        words.append("unpublished changes")
    if obj.unpublish_at:
        words.append(f"until {moment(obj.unpublish_at, now=now)}")
    return " · ".join(words)


def _days_left(since: datetime, now: datetime) -> str:
    left = math.ceil((since + timedelta(days=TRASH_DAYS) - now).total_seconds() / DAY)
    return f"{_counted(left, 'day')} left" if left > 0 else "deleted soon"


def chip(obj: Publishable, *, now: datetime, hidden: bool = False) -> SafeString:
    """That as a chip whose colour says the same."""
    waits = obj.state in (State.IN_REVIEW, State.SCHEDULED) and not hidden
    kind = "wait" if waits else "live" if obj.is_public else "draft"
    return format_html('<span class="chip chip--{}">{}</span>', kind, state(obj, now=now, hidden=hidden))


def clock_time(value: datetime) -> str:
    """An instant of today in the studio's zone, as `21:04`."""
    return formatted(timezone.localtime(value), "H:i")


def times(number: int) -> str:
    """How often, as `never`, `once`, `3 times`."""
    return {0: "never", 1: "once", 2: "twice"}.get(number, f"{number} times")
