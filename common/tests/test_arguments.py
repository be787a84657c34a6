"""Instants that people type as flags of commands."""

import argparse
from datetime import UTC, datetime, time, timedelta, timezone

import pytest

from common.arguments import day_or_instant, instant

NAIROBI = timezone(timedelta(hours=3))


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        ("2026-11-22T09:00:00+03:00", datetime(2026, 11, 22, 9, tzinfo=NAIROBI)),
        ("2026-11-22T09:00Z", datetime(2026, 11, 22, 9, tzinfo=UTC)),
    ],
)
def test_an_instant_names_its_zone(raw, meant):
    assert instant(raw) == meant


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        ("soon", "write an instant such as"),
        ("", "write an instant such as"),
        ("2026-11-22T09:00:00", "needs a zone"),
        ("2026-11-22", "needs a zone"),
        ("0001-01-01T00:00:00+05:00", "a year from 2000 to 2100"),
        ("9999-12-31T23:59:59-05:00", "a year from 2000 to 2100"),
    ],
)
def test_what_is_no_instant_is_refused(raw, why):
    with pytest.raises(argparse.ArgumentTypeError, match=why):
        instant(raw)


@pytest.mark.parametrize(
    ("raw", "meant"),
    [
        ("2026-11-22", datetime(2026, 11, 22, 23, 59, 59, 999999, UTC)),
        ("2026-11-22T09:00:00", datetime(2026, 11, 22, 9, tzinfo=UTC)),
        ("2026-11-22T09:00:00+03:00", datetime(2026, 11, 22, 6, tzinfo=UTC)),
        ("2026-11-22 09:00", datetime(2026, 11, 22, 9, tzinfo=UTC)),
    ],
)
def test_a_bare_day_is_completed_by_its_edge(raw, meant):
    assert day_or_instant(time.max)(raw) == meant


@pytest.mark.parametrize("raw", ["soon", "2026-13-01", "0001-01-01", "9999-12-31"])
def test_what_is_no_day_is_refused(raw):
    with pytest.raises(argparse.ArgumentTypeError):
        day_or_instant(time.min)(raw)
