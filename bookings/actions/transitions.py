"""The one place where the state of a booking changes."""

from datetime import datetime
from typing import Any

from audit.actions import record
from bookings.constants import TRANSITIONS
from bookings.errors import InvalidTransition
from bookings.models import Booking
from common.actor import Actor
from common.target import Target


def move(*, booking: Booking, to: str, event: str, by: Actor, now: datetime, reason: str = "", **changes: Any) -> None:
    """Move a locked booking to the state `to`, with `changes` to its fields, and write the audit event.

    Raises InvalidTransition, with `state` and `allowed`, when the table of states has no such move.
    """
    require(booking=booking, to=to)
    before = {"status": booking.status, **{name: getattr(booking, name) for name in changes}}
    change(booking=booking, now=now, status=to, **changes)
    after = {"status": to, **changes}
    record(action=event, by=by, target=Target.of(booking), before=_plain(before), after=_plain(after), reason=reason)


def change(*, booking: Booking, now: datetime, **changes: Any) -> None:
    """Write some fields of a locked booking, counting its `lock_version` up."""
    booking.lock_version += 1
    booking.updated_at = now
    for name, value in changes.items():
        setattr(booking, name, value)
    booking.save(update_fields=["lock_version", "updated_at", *changes])


def require(*, booking: Booking, to: str) -> None:
    """Raise InvalidTransition unless the booking may move to that state."""
    allowed = TRANSITIONS[booking.status]
    if to not in allowed:
        raise InvalidTransition(
            f"A booking that is {booking.status} cannot become {to}.",
            members={"state": booking.status, "allowed": sorted(allowed)},
        )


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in values.items()}
