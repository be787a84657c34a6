"""Types for the flags of management commands; argparse turns their refusals into usage errors."""

import argparse
from collections.abc import Callable
from datetime import UTC, datetime, time

YEARS = range(2000, 2101)  # with room on both sides for hours and days to be counted


def instant(raw: str) -> datetime:
    """An instant in ISO 8601 that names its zone. Raises ArgumentTypeError."""
    found = _read(raw, "write an instant such as 2026-11-22T09:00:00+03:00")
    if found.tzinfo is None:
        raise argparse.ArgumentTypeError("an instant needs a zone, such as +03:00 or Z")
    return found


def day_or_instant(edge: time) -> Callable[[str], datetime]:
    """A type for a day or an instant, in UTC unless it names a zone; `edge` completes a bare day."""

    def read(raw: str) -> datetime:
        found = _read(raw, f"{raw!r} is neither a day nor an instant: write 2026-11-22")
        if "T" not in raw and ":" not in raw:
            found = datetime.combine(found.date(), edge)
        return found if found.tzinfo else found.replace(tzinfo=UTC)

    return read


def _read(raw: str, wanted: str) -> datetime:
    try:
        found = datetime.fromisoformat(raw)
    except ValueError:
        raise argparse.ArgumentTypeError(wanted) from None
    if found.year not in YEARS:
        raise argparse.ArgumentTypeError(f"a year from {YEARS[0]} to {YEARS[-1]} is wanted")
    return found
