"""Free times: by hand, over changes of the clock, and against a slow reference."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bookings.slots import Calendar, Interval, Occupied, Rule, Slot, Terms, free_seats, nearest, offered, to_instant

NAIROBI = ZoneInfo("Africa/Nairobi")
BERLIN = ZoneInfo("Europe/Berlin")
HOUR = timedelta(hours=1)
TUESDAY = date(2026, 12, 1)


def terms(**values):
    defaults = {
        "duration": HOUR, "buffer": timedelta(), "min_notice": timedelta(), "max_ahead": timedelta(days=60),
        "capacity": 1,
    }  # fmt: skip
    return Terms(**(defaults | values))


def day(on: date, zone=NAIROBI) -> Interval:
    start = datetime.combine(on, time(), tzinfo=zone)
    return Interval(
        start.astimezone(UTC), datetime.combine(on + timedelta(days=1), time(), tzinfo=zone).astimezone(UTC)
    )


def starts(slots, zone=NAIROBI) -> list[str]:
    return [slot.starts_at.astimezone(zone).strftime("%H:%M") for slot in slots if slot.remaining]


def calendar(*rules, closures=(), occupied=(), zone=NAIROBI) -> Calendar:
    return Calendar(rules, list(closures), list(occupied), zone)


def offered_on(on: date, rule: Rule, *, now=None, zone=NAIROBI, closures=(), occupied=(), **values):
    now = now or day(on, zone).starts_at - timedelta(days=1)
    return offered(
        calendar(rule, closures=closures, occupied=occupied, zone=zone), terms(**values), window=day(on, zone), now=now
    )


MORNING = Rule(weekday=2, starts=time(9), ends=time(12))


def test_slots_follow_each_other_until_the_last_that_ends_in_time():
    assert starts(offered_on(TUESDAY, MORNING)) == ["09:00", "10:00", "11:00"]
    assert starts(offered_on(TUESDAY, MORNING, duration=timedelta(minutes=50))) == ["09:00", "09:50", "10:40"]


def test_the_buffer_moves_the_next_start_and_may_pass_closing_time():
    assert starts(offered_on(TUESDAY, MORNING, buffer=timedelta(minutes=30))) == ["09:00", "10:30"]


def test_another_weekday_or_a_day_outside_the_rules_validity_offers_nothing():
    assert offered_on(TUESDAY + timedelta(days=1), MORNING) == []
    assert offered_on(TUESDAY, Rule(2, time(9), time(12), valid_from=TUESDAY + timedelta(days=1))) == []
    assert offered_on(TUESDAY, Rule(2, time(9), time(12), valid_until=TUESDAY - timedelta(days=1))) == []
    assert len(offered_on(TUESDAY, Rule(2, time(9), time(12), valid_from=TUESDAY, valid_until=TUESDAY))) == 3


def test_notice_is_kept_to_the_second_and_reach_ends_before_its_instant():
    nine = day(TUESDAY).starts_at + timedelta(hours=9)
    assert starts(offered_on(TUESDAY, MORNING, now=nine - 2 * HOUR, min_notice=2 * HOUR)) == ["09:00", "10:00", "11:00"]
    late = nine - 2 * HOUR + timedelta(seconds=1)
    assert starts(offered_on(TUESDAY, MORNING, now=late, min_notice=2 * HOUR)) == ["10:00", "11:00"]
    assert starts(offered_on(TUESDAY, MORNING, now=nine - timedelta(days=1), max_ahead=timedelta(days=1))) == []


def test_a_closure_is_half_open():
    ten = day(TUESDAY).starts_at + timedelta(hours=10)
    closed = [Interval(ten, ten + HOUR)]
    assert starts(offered_on(TUESDAY, MORNING, closures=closed)) == ["09:00", "11:00"]


def test_seats_are_counted_with_their_buffers():
    ten = day(TUESDAY).starts_at + timedelta(hours=10)
    taken = [Occupied(ten, ten + HOUR, 1), Occupied(ten, ten + 2 * HOUR, 3)]
    slots = offered_on(TUESDAY, MORNING, occupied=taken, capacity=3)
    assert [slot.seats for slot in slots] == [(1, 2, 3), (2,), (1, 2)]
    assert free_seats(taken, terms(capacity=3, buffer=timedelta(minutes=1)), ten - HOUR) == (2,)


def test_a_wall_time_that_spring_skips_gives_nothing():
    spring = date(2026, 3, 29)  # 02:00 → 03:00 in Berlin
    rule = Rule(7, time(2, 30), time(3, 30))
    assert offered_on(spring, rule, zone=BERLIN, duration=timedelta(minutes=30)) == [
        Slot(datetime(2026, 3, 29, 1, 0, tzinfo=UTC), datetime(2026, 3, 29, 1, 30, tzinfo=UTC), (1,))
    ]
    assert to_instant(datetime(2026, 3, 29, 2, 30), BERLIN) is None


def test_a_slot_never_ends_after_closing_time_because_the_clock_jumped():
    spring = date(2026, 3, 29)
    assert offered_on(spring, Rule(7, time(1, 30), time(2, 30)), zone=BERLIN) == []


def test_of_a_wall_time_that_autumn_repeats_only_the_first_counts():
    autumn = date(2026, 10, 25)  # 03:00 → 02:00 in Berlin
    slots = offered_on(autumn, Rule(7, time(2, 30), time(3, 0)), zone=BERLIN, duration=timedelta(minutes=30))
    assert [slot.starts_at for slot in slots] == [datetime(2026, 10, 25, 0, 30, tzinfo=UTC)]


@pytest.mark.parametrize("name", ["Pacific/Kiritimati", "Etc/GMT+12"])
def test_zones_at_the_ends_of_the_day_keep_their_own_weekday(name):
    zone = ZoneInfo(name)
    slots = offered_on(TUESDAY, MORNING, zone=zone)
    assert [slot.starts_at.astimezone(zone).isoweekday() for slot in slots] == [2, 2, 2]


def test_the_nearest_are_free_and_the_closest_first():
    base = datetime(2026, 12, 1, 9, tzinfo=UTC)
    slots = [Slot(base + n * HOUR, base + (n + 1) * HOUR, (1,) if n != 2 else ()) for n in range(6)]
    found = nearest(slots, to=base + 2 * HOUR, count=3)
    assert [slot.starts_at for slot in found] == [base + HOUR, base + 3 * HOUR, base]


# --- the slow reference -----------------------------------------------------------------------------------------------

MINUTE = timedelta(minutes=1)
CHANGES = [
    (BERLIN, datetime(2026, 3, 28, tzinfo=UTC)),
    (BERLIN, datetime(2026, 10, 24, tzinfo=UTC)),
    (ZoneInfo("America/New_York"), datetime(2026, 11, 1, tzinfo=UTC)),
    (ZoneInfo("Australia/Lord_Howe"), datetime(2026, 4, 4, tzinfo=UTC)),
    (NAIROBI, datetime(2026, 12, 1, tzinfo=UTC)),
]
quarter = st.integers(0, 95)


@st.composite
def situations(draw):
    zone, begin = draw(st.sampled_from(CHANGES))
    rules = []
    for _ in range(draw(st.integers(1, 3))):
        first, last = sorted(draw(st.tuples(quarter, quarter).filter(lambda pair: pair[0] != pair[1])))
        rules.append(Rule(draw(st.integers(1, 7)), time(first // 4, first % 4 * 15), time(last // 4, last % 4 * 15)))
    at = st.integers(0, 3 * 96).map(lambda n: begin + n * 15 * MINUTE)
    length = st.integers(1, 24).map(lambda n: n * 15 * MINUTE)
    closures = [Interval(start, start + draw(length)) for start in draw(st.lists(at, max_size=2))]
    occupied = [
        Occupied(start, start + draw(length), draw(st.integers(1, 3))) for start in draw(st.lists(at, max_size=4))
    ]
    shape = terms(
        duration=draw(st.sampled_from([30, 45, 90])) * MINUTE,
        buffer=draw(st.sampled_from([0, 15])) * MINUTE,
        min_notice=draw(st.integers(0, 30)) * HOUR,
        max_ahead=draw(st.sampled_from([timedelta(days=1), timedelta(days=30)])),
        capacity=draw(st.integers(1, 3)),
    )
    window = Interval(begin, begin + draw(st.integers(1, 3)) * timedelta(days=1))
    return Calendar(rules, closures, occupied, zone), shape, window, draw(at)


def minutes(interval: Interval) -> range:
    return range(int(interval.starts_at.timestamp()) // 60, int(interval.ends_at.timestamp()) // 60)


def slow(calendar: Calendar, shape: Terms, window: Interval, now: datetime):
    """Look at every minute by itself."""
    closed = {minute for closure in calendar.closures for minute in minutes(closure)}
    taken = {seat: {m for one in calendar.occupied if one.seat == seat for m in minutes(one)} for seat in (1, 2, 3)}
    found = []
    for minute in minutes(window):
        start = datetime.fromtimestamp(minute * 60, tz=UTC)
        local = start.astimezone(calendar.zone)
        if local.fold or not now + shape.min_notice <= start < now + shape.max_ahead:
            continue
        if not any(fits(rule, local, start, shape, calendar.zone) for rule in calendar.rules):
            continue
        length = int(shape.duration.total_seconds()) // 60
        if closed & set(range(minute, minute + length)):
            continue
        whole = set(range(minute, minute + length + int(shape.buffer.total_seconds()) // 60))
        seats = tuple(seat for seat in range(1, shape.capacity + 1) if not taken[seat] & whole)
        found.append(Slot(start, start + shape.duration, seats))
    return found


def fits(rule: Rule, local: datetime, start: datetime, shape: Terms, zone: ZoneInfo) -> bool:
    wall = local.hour * 60 + local.minute
    opens, closes = rule.starts.hour * 60 + rule.starts.minute, rule.ends.hour * 60 + rule.ends.minute
    length, step = shape.duration // MINUTE, (shape.duration + shape.buffer) // MINUTE
    end = (start + shape.duration).astimezone(zone)
    return (
        local.isoweekday() == rule.weekday
        and wall >= opens
        and (wall - opens) % step == 0
        and wall + length <= closes
        and end.date() == local.date()
        and end.hour * 60 + end.minute <= closes
    )


@settings(max_examples=120, deadline=None)
@given(situations())
def test_the_fast_way_agrees_with_looking_at_every_minute(situation):
    calendar, shape, window, now = situation
    assert offered(calendar, shape, window=window, now=now) == slow(calendar, shape, window, now)
