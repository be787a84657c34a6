"""The one clock of whatever is stored or compared: PostgreSQL's, so that every process agrees."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection

_offset = timedelta()


def db_now() -> datetime:
    """The database's `clock_timestamp()`, aware and in UTC, plus the offset that a test may have set."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        now: datetime = cursor.fetchone()[0]
    return adjusted(now)


def adjusted(read_at: datetime) -> datetime:
    """What `db_now()` would have said where a query read `clock_timestamp()` itself, to save a round trip."""
    return read_at + _offset


def offset() -> timedelta:
    """What a test has added; for statements that read `clock_timestamp()` themselves and write it."""
    return _offset


@contextmanager
def shift(seconds: float) -> Iterator[None]:
    """Move `db_now()` by so many seconds inside the block; refused outside tests."""
    global _offset  # noqa: PLW0603 - one clock a process
    if not settings.TESTING:
        raise RuntimeError("The clock moves only in tests.")
    before, _offset = _offset, _offset + timedelta(seconds=seconds)
    try:
        yield
    finally:
        _offset = before
