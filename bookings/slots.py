"""From opening hours, closures and bookings to free times. Pure: no database, no clock.

All intervals are half-open. Rules are wall time of the studio's zone; a wall time that a spring-forward day skips
gives no slot, and of one that a fall-back day repeats only the first occurrence does.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Rule:
    """Opening hours on an ISO weekday, `valid_until` included."""

    weekday: int
    starts: time
    ends: time
    valid_from: date | None = None
    valid_until: date | None = None

    def applies_on(self, day: date) -> bool:
        """Whether the rule opens that day of the studio's calendar."""
        if day.isoweekday() != self.weekday:
            return False
        return (self.valid_from is None or self.valid_from <= day) and (
            self.valid_until is None or day <= self.valid_until
        )


@dataclass(frozen=True, slots=True)
class Interval:
    """Instants from `starts_at` until before `ends_at`."""

    starts_at: datetime
    ends_at: datetime

    def overlaps(self, other: "Interval") -> bool:
        """Whether both share an instant."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


@dataclass(frozen=True, slots=True)
class Occupied(Interval):
    """A seat that somebody has, its buffer included."""

    seat: int


@dataclass(frozen=True, slots=True)
class Terms:
    """How a service is offered: lengths, notice, reach and the number of seats."""

    duration: timedelta
    buffer: timedelta
    min_notice: timedelta
    max_ahead: timedelta
    capacity: int


@dataclass(frozen=True, slots=True)
class Slot:
    """A time on the grid, in UTC, with the seats that are still free at it, lowest first."""

    starts_at: datetime
    ends_at: datetime
    seats: tuple[int, ...]

    @property
    def remaining(self) -> int:
        """How many seats are still free."""
        return len(self.seats)


@dataclass(frozen=True, slots=True)
class Calendar:
    """What decides on the slots of one service."""

    rules: Sequence[Rule]
    closures: Sequence[Interval]
    occupied: Sequence[Occupied]
    zone: ZoneInfo


def offered(calendar: Calendar, terms: Terms, *, window: Interval, now: datetime) -> list[Slot]:
    """Every slot that starts in `window`, sorted by start, those without a free seat (`remaining` 0) included."""
    reach = _reach(window, terms, now)
    if reach is None:
        return []
    starts = sorted(set(_grid(calendar, terms, reach)))
    slots = []
    for start in starts:
        end = start + terms.duration
        if any(closure.overlaps(Interval(start, end)) for closure in calendar.closures):
            continue
        slots.append(Slot(start, end, free_seats(calendar.occupied, terms, start)))
    return slots


def free_seats(occupied: Iterable[Occupied], terms: Terms, start: datetime) -> tuple[int, ...]:
    """Seats 1..capacity that nobody has from `start` until the end of the buffer, lowest first."""
    wanted = Interval(start, start + terms.duration + terms.buffer)
    taken = {one.seat for one in occupied if one.overlaps(wanted)}
    return tuple(seat for seat in range(1, terms.capacity + 1) if seat not in taken)


def nearest(slots: Iterable[Slot], *, to: datetime, count: int) -> list[Slot]:
    """Up to `count` slots with a free seat, the closest to `to` first; of two equally close ones the earlier."""
    free = [slot for slot in slots if slot.remaining > 0]
    return sorted(free, key=lambda slot: (abs(slot.starts_at - to), slot.starts_at))[:count]


def to_instant(wall: datetime, zone: ZoneInfo) -> datetime | None:
    """The first instant (UTC) at which clocks of `zone` show the naive `wall`; None when they skip it."""
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    return instant if instant.astimezone(zone).replace(tzinfo=None) == wall else None


def _reach(window: Interval, terms: Terms, now: datetime) -> Interval | None:
    """The part of the window that notice and reach leave; None when nothing is left."""
    starts_at = max(window.starts_at, now + terms.min_notice)
    ends_at = min(window.ends_at, now + terms.max_ahead)
    return Interval(starts_at, ends_at) if starts_at < ends_at else None


def _grid(calendar: Calendar, terms: Terms, reach: Interval) -> Iterator[datetime]:
    first = reach.starts_at.astimezone(calendar.zone).date()
    last = reach.ends_at.astimezone(calendar.zone).date()
    for offset in range((last - first).days + 1):
        day = first + timedelta(days=offset)
        for rule in calendar.rules:
            if rule.applies_on(day):
                starts = _day_grid(rule, day, terms, calendar.zone)
                yield from (start for start in starts if reach.starts_at <= start < reach.ends_at)


def _day_grid(rule: Rule, day: date, terms: Terms, zone: ZoneInfo) -> Iterator[datetime]:
    """Starts of one rule on one day: every duration + buffer from its opening, each over before it closes."""
    closes = datetime.combine(day, rule.ends)
    wall = datetime.combine(day, rule.starts)
    while wall + terms.duration <= closes:
        start = to_instant(wall, zone)
        if start is not None:
            # A clock that jumps forward during the slot would let it end after closing time.
            end = (start + terms.duration).astimezone(zone).replace(tzinfo=None)
            if end <= closes:
                yield start
        wall += terms.duration + terms.buffer
