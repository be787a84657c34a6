"""Deleting bookings that came to nothing."""

import uuid

from django.db import transaction
from django.db.models import ProtectedError

from audit.actions import record
from bookings import locks, selectors
from bookings.errors import InvalidTransition
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from uploads.actions import deletions


def delete(*, booking_id: uuid.UUID, by: Actor) -> None:
    """Delete a booking that is over and never saw money; its files are withdrawn, their objects kept for thirty days.

    Raises NotFound, and InvalidTransition for a booking that is still open or that a payment belongs to.
    """
    with transaction.atomic():
        booking = locks.booking(booking_id)
        if not (selectors.is_over(booking, now=db_now()) or booking.spam):
            raise InvalidTransition("The booking is still open. Cancel it first.", members={"state": booking.status})
        target = Target.of(booking)
        deletions.withdraw_files_of(target_kind="booking", target_id=booking.pk, by=by)
        try:
            booking.delete()
        except ProtectedError:
            raise InvalidTransition("A payment belongs to the booking, so it is kept.") from None
        record(action="booking.deleted", by=by, target=target, before={"status": booking.status})
