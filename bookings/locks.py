"""Row locks. Order: Booking → BookingResource → (payments' rows).

Whoever holds a resource and wants bookings of others takes those with SKIP LOCKED, so that no cycle can form.
"""

import uuid

from django.db.models import Subquery

from bookings.models import Booking, BookingResource
from common.errors import NotFound


def booking(booking_id: uuid.UUID | Subquery) -> Booking:
    """The booking, by its id or a query for it, locked until the transaction ends; NotFound when there is none."""
    found = Booking.objects.select_for_update(of=("self",), no_key=True).filter(pk=booking_id).first()
    if found is None:
        raise NotFound
    return found


def resource(resource_id: uuid.UUID) -> BookingResource:
    """The resource, locked: whoever holds it is the only one to give out its seats."""
    return BookingResource.objects.select_for_update(of=("self",), no_key=True).get(pk=resource_id)
