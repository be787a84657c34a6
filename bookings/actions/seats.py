"""Who sits where: a seat is given out only under the lock of its resource."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from bookings import locks, selectors
from bookings.actions import holds
from bookings.errors import SlotNotOffered, SlotTaken
from bookings.models import Booking, BookingResource, ServiceOffer
from bookings.slots import Slot
from common.actor import Actor
from common.instants import instant

FREEING = Actor.system("bookings.expire_holds")


@dataclass(frozen=True, slots=True)
class Seat:
    """A free seat at a time; `occupies` has the buffer too."""

    resource: BookingResource
    number: int
    starts_at: datetime
    ends_at: datetime
    occupies: DateTimeTZRange


def take(*, offer: ServiceOffer, starts_at: datetime, now: datetime) -> Seat:
    """A seat for the slot that starts then. Needs a transaction, and locks the resource until its end.

    Raises SlotNotOffered when the service never offered that time, SlotTaken with the nearest free ones when all
    seats are taken. Holds that have run out are freed first.
    """
    if offer.resource_id is None:
        raise SlotNotOffered
    offer.resource = locks.resource(offer.resource_id)
    holds.expire_due(by=FREEING, now=now, resource=offer.resource)
    slot = selectors.slot_at(offer, starts_at, now=now)
    if slot is None:
        raise SlotNotOffered
    if not slot.remaining:
        nearest = selectors.nearest_slots(offer, to=starts_at, now=now)
        raise SlotTaken(members={"nearest": [_member(one) for one in nearest]})
    buffered = slot.ends_at + timedelta(minutes=offer.buffer_minutes)
    return Seat(
        resource=offer.resource,
        number=slot.seats[0],
        starts_at=slot.starts_at,
        ends_at=slot.ends_at,
        occupies=DateTimeTZRange(slot.starts_at, buffered, "[)"),
    )


def retake(*, booking: Booking, now: datetime) -> int | None:
    """A seat for an expired booking at its own time, its own one if possible; None when all are taken.

    Needs a transaction in which the booking is locked; locks the resource.
    """
    if booking.resource_id is None or booking.seat is None:
        return None
    resource = locks.resource(booking.resource_id)
    holds.expire_due(by=FREEING, now=now, resource=resource)
    own_first = [booking.seat, *(seat for seat in range(1, resource.capacity + 1) if seat != booking.seat)]
    return next((seat for seat in own_first if not selectors.seat_taken(booking, seat=seat)), None)


def _member(slot: Slot) -> dict[str, str | int | None]:
    return {"starts_at": instant(slot.starts_at), "ends_at": instant(slot.ends_at), "remaining": slot.remaining}
