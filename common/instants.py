"""Instants as the API, the audit log and addresses write them."""

from datetime import UTC, datetime
from typing import overload


@overload
def instant(value: datetime) -> str: ...


@overload
def instant(value: None) -> None: ...


@overload
def instant(value: datetime | None) -> str | None: ...


def instant(value: datetime | None) -> str | None:
    """RFC 3339 in UTC with whole seconds, as `2026-11-22T09:00:00Z`, or None."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if value else None


def exact(value: datetime) -> str:
    """RFC 3339 in UTC with all microseconds: for what is signed or hashed."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
