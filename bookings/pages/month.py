"""A month as the picker's grid. Pure."""

import calendar
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from bookings.slots import Slot


@dataclass(frozen=True, slots=True)
class Day:
    """One cell: `free` times, and whether it is picked, today or of another month."""

    date: date
    free: int
    is_picked: bool
    is_today: bool
    is_outside: bool


def weeks(first: date, slots: Iterable[Slot], *, zone: ZoneInfo, picked: date | None, today: date) -> list[list[Day]]:
    """The weeks of the month that begins with `first`, Monday to Sunday, with the free times of each day."""
    free = Counter(slot.starts_at.astimezone(zone).date() for slot in slots)
    return [
        [Day(day, free[day] if day.month == first.month else 0, day == picked, day == today, day.month != first.month)
         for day in week]
        for week in calendar.Calendar().monthdatescalendar(first.year, first.month)
    ]  # fmt: skip


def month_of(day: date) -> date:
    """The first of its month."""
    return day.replace(day=1)


def next_month(first: date) -> date:
    """The first of the month after."""
    return month_of(first + timedelta(days=31))


def previous_month(first: date) -> date:
    """The first of the month before."""
    return month_of(first - timedelta(days=1))
