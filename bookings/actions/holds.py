"""Holds that run out."""

from datetime import datetime

from bookings.actions import transitions
from bookings.constants import Status
from bookings.models import Booking, BookingResource
from common.actor import Actor


def expire_due(*, by: Actor, now: datetime, resource: BookingResource | None = None, limit: int = 500) -> int:
    """Free the holds that have run out by `now`, of one resource or all; returns how many. Needs a transaction.

    A row that somebody else has locked is passed over: its payment is about to arrive, and that decides.
    """
    due = Booking.objects.filter(status=Status.HELD, hold_expires_at__lte=now)
    if resource is not None:
        due = due.filter(resource=resource)
    locked = due.select_for_update(of=("self",), no_key=True, skip_locked=True).order_by("hold_expires_at")[:limit]
    expired = list(locked)
    for booking in expired:
        transitions.move(booking=booking, to=Status.EXPIRED, event="booking.expired", by=by, now=now)
    return len(expired)
