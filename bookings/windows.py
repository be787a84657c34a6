"""From the days that somebody asks for to instants. Pure."""

import re
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, available_timezones

from bookings.constants import DEFAULT_SLOT_DAYS, MAX_SLOT_DAYS
from bookings.slots import Interval
from common.errors import FieldError, ValidationFailed

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# Ten thousand days around now are plenty, and no arithmetic on them overflows.
_FARTHEST = timedelta(days=10_000)


def parse_zone(raw: str | None, *, default: str, parameter: str = "zone") -> ZoneInfo:
    """The zone of that IANA name; ValidationFailed for another."""
    name = raw or default
    if name not in available_timezones():
        fault = FieldError("invalid", "A time zone's name is wanted, such as Africa/Nairobi.", parameter=parameter)
        raise ValidationFailed(errors=[fault])
    return ZoneInfo(name)


def parse_day(raw: str | None, *, parameter: str, now: datetime) -> date | None:
    """The day as `2026-12-01`, None when absent; ValidationFailed for anything else."""
    if raw is None:
        return None
    try:
        day = date.fromisoformat(raw) if _DAY.fullmatch(raw) else None
    except ValueError:
        day = None
    if day is None or abs(day - now.date()) > _FARTHEST:
        raise ValidationFailed(
            errors=[FieldError("invalid", "A day such as 2026-12-01 is wanted.", parameter=parameter)]
        )
    return day


def window(first: date | None, last: date | None, *, zone: ZoneInfo, now: datetime) -> Interval:
    """From the start of `first` to the end of `last` in the zone; by default 14 days from now. At most 62 days."""
    if first is None and last is None:
        return Interval(now, now + timedelta(days=DEFAULT_SLOT_DAYS))
    start = first or now.astimezone(zone).date()
    end = last or start + timedelta(days=DEFAULT_SLOT_DAYS - 1)
    days = (end - start).days + 1
    if days < 1:
        raise ValidationFailed(errors=[FieldError("invalid", "`to` is before `from`.", parameter="to")])
    if days > MAX_SLOT_DAYS:
        raise ValidationFailed(errors=[FieldError("too_long", f"At most {MAX_SLOT_DAYS} days.", parameter="to")])
    return Interval(day_start(start, zone), day_start(end + timedelta(days=1), zone))


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The instant (UTC) at which the day begins in the zone."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)
