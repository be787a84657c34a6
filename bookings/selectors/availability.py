"""Offers and their free times, read from the database for the pure `bookings.slots`."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q, QuerySet

from bookings import slots
from bookings.constants import NEAREST_SLOTS, OCCUPYING, Mode, Status
from bookings.models import AvailabilityRule, Booking, Closure, ServiceOffer
from cms.selectors import live_services

_NEAREST_REACH = timedelta(days=14)
_SHORTEST = timedelta(microseconds=1)


def live_offer(slug: str) -> ServiceOffer | None:
    """The offer of a live service, with `service` and `resource` loaded; None when the service has none."""
    live = live_services().filter(slug=slug)
    return ServiceOffer.objects.select_related("service", "resource").filter(service__in=live).first()


def offers_of(service_ids: Iterable[UUID]) -> dict[UUID, ServiceOffer]:
    """The offers of services that take bookings, by the service's id."""
    found = ServiceOffer.objects.filter(service__in=list(service_ids)).exclude(mode=Mode.NONE)
    return {offer.service_id: offer for offer in found}


def slots_for(offer: ServiceOffer | None, *, window: slots.Interval, now: datetime) -> list[slots.Slot]:
    """Slots of the window with a free seat; a hold that has run out takes none. Three queries at most."""
    if offer is None or offer.mode == Mode.NONE or offer.resource is None:
        return []
    found = slots.offered(calendar(offer, window, live_at=now), terms(offer), window=window, now=now)
    return [slot for slot in found if slot.remaining > 0]


def slot_at(offer: ServiceOffer, starts_at: datetime, *, now: datetime) -> slots.Slot | None:
    """The slot that starts at that instant, taken or not; None when the service does not offer it.

    For a writer under the resource's lock: a hold counts until its row is freed.
    """
    if not now <= starts_at < now + timedelta(days=offer.max_days_ahead):
        return None
    window = slots.Interval(starts_at, starts_at + _SHORTEST)
    found = slots.offered(calendar(offer, window, live_at=None), terms(offer), window=window, now=now)
    return found[0] if found else None


def nearest_slots(offer: ServiceOffer, *, to: datetime, now: datetime) -> list[slots.Slot]:
    """The three free slots that are closest to a time."""
    window = slots.Interval(to - _NEAREST_REACH, to + _NEAREST_REACH)
    return slots.nearest(slots_for(offer, window=window, now=now), to=to, count=NEAREST_SLOTS)


def terms(offer: ServiceOffer) -> slots.Terms:
    """What `bookings.slots` must know of the offer."""
    return slots.Terms(
        duration=timedelta(minutes=offer.duration_minutes),
        buffer=timedelta(minutes=offer.buffer_minutes),
        min_notice=timedelta(hours=offer.min_notice_hours),
        max_ahead=timedelta(days=offer.max_days_ahead),
        capacity=offer.resource.capacity if offer.resource else 0,
    )


def calendar(offer: ServiceOffer, window: slots.Interval, *, live_at: datetime | None) -> slots.Calendar:
    """Rules, closures and taken seats that bear on slots starting in the window.

    With `live_at` a hold that has run out by then takes no seat; without it every row counts that the exclusion
    constraint counts, which is what a writer under the resource's lock must see.
    """
    reach = slots.Interval(
        window.starts_at,
        window.ends_at + timedelta(minutes=offer.duration_minutes + offer.buffer_minutes),
    )
    return slots.Calendar(
        rules=_rules(offer),
        closures=_closures(reach),
        occupied=_occupied(offer, reach, live_at),
        zone=ZoneInfo(settings.STUDIO_TIME_ZONE),
    )


def seat_taken(booking: Booking, *, seat: int) -> bool:
    """Whether another booking has that seat while this one would need it."""
    others = Booking.objects.filter(resource=booking.resource_id, seat=seat, status__in=OCCUPYING)
    return others.filter(occupies__overlap=booking.occupies).exclude(pk=booking.pk).exists()


def _rules(offer: ServiceOffer) -> list[slots.Rule]:
    rows = AvailabilityRule.objects.filter(Q(service=offer.service_id) | Q(service__isnull=True))
    return [slots.Rule(row.weekday, row.starts, row.ends, row.valid_from, row.valid_until) for row in rows]


def _closures(reach: slots.Interval) -> list[slots.Interval]:
    rows = Closure.objects.filter(starts_at__lt=reach.ends_at, ends_at__gt=reach.starts_at)
    return [slots.Interval(row.starts_at, row.ends_at) for row in rows]


def _occupied(offer: ServiceOffer, reach: slots.Interval, live_at: datetime | None) -> list[slots.Occupied]:
    rows = _seated(offer).filter(occupies__overlap=(reach.starts_at, reach.ends_at))
    if live_at is not None:
        rows = rows.exclude(status=Status.HELD, hold_expires_at__lte=live_at)
    return [
        slots.Occupied(occupies.lower, occupies.upper, seat)
        for occupies, seat in rows.values_list("occupies", "seat")
        if occupies is not None and seat is not None
    ]


def _seated(offer: ServiceOffer) -> QuerySet[Booking]:
    return Booking.objects.filter(resource=offer.resource_id, status__in=OCCUPYING)
