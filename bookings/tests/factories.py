"""Rows for the tests of bookings and of the apps above."""

import itertools
import uuid
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings

from bookings import tokens
from bookings.actions import creation
from bookings.constants import Mode, Status
from bookings.models import AvailabilityRule, Booking, BookingResource, ServiceOffer
from cms.actions import drafts, publishing
from cms.models import Service
from common.actor import Actor
from common.clock import db_now
from common.weekdays import Weekday

TEST = Actor.system("test")
VISITOR = Actor.system("visitor")
_numbers = itertools.count(1)


def make_service(slug: str = "discovery-workshop", *, title: str = "Discovery workshop", live: bool = True) -> Service:
    """A service that is public unless told otherwise."""
    values = {"slug": slug, "title": title, "summary": "Half a day that saves half a year."}
    service = drafts.create(model=Service, values=values, by=TEST)
    return publishing.publish(item=service, by=TEST) if live else service


def make_resource(*, capacity: int = 1, name: str = "") -> BookingResource:
    """A resource with so many seats."""
    now = db_now()
    name = name or f"Resource {next(_numbers)}"
    return BookingResource.objects.create(name=name, capacity=capacity, created_at=now, updated_at=now)


def make_offer(
    service: Service | None = None, *, capacity: int = 1, opened: bool = True, **values: Any
) -> ServiceOffer:
    """An offer of one-hour slots, every day from 9 to 17 in the studio's zone, at KES 2,500 with 30 % deposit."""
    now = db_now()
    defaults: dict[str, Any] = {
        "mode": Mode.SLOT,
        "duration_minutes": 60,
        "price_amount": 250_000,
        "currency": "KES",
        "deposit_percent": 30,
        "min_notice_hours": 2,
        "max_days_ahead": 60,
        "cancellation_hours": 48,
    }
    if "resource" not in values:
        values["resource"] = make_resource(capacity=capacity)
    offer = ServiceOffer.objects.create(
        service=service or make_service(), created_at=now, updated_at=now, **(defaults | values)
    )
    if opened:
        open_every_day()
    return offer


def open_every_day(starts: time = time(9), ends: time = time(17)) -> None:
    """Opening hours on every weekday for every service, unless there are some."""
    if AvailabilityRule.objects.exists():
        return
    now = db_now()
    AvailabilityRule.objects.bulk_create(
        AvailabilityRule(weekday=day, starts=starts, ends=ends, created_at=now, updated_at=now) for day in Weekday
    )


def slot_start(hour: int = 9, *, days: int = 5) -> datetime:
    """An instant on the grid of `make_offer`: so many days ahead, at that hour of the studio."""
    zone = ZoneInfo(settings.STUDIO_TIME_ZONE)
    day = db_now().astimezone(zone).date() + timedelta(days=days)
    return datetime.combine(day, time(hour), tzinfo=zone).astimezone(UTC)


def order(offer: ServiceOffer, starts_at: datetime | None = None, **values: Any) -> creation.Order:
    """What a visitor asks for."""
    customer = values.pop("customer", creation.Customer("Brian Mwangi", "brian@example.org", "+254711000000"))
    return creation.Order(service=offer.service.slug, starts_at=starts_at, customer=customer, **values)


def make_booking(offer: ServiceOffer | None = None, starts_at: datetime | None = None, **values: Any) -> Booking:
    """A booking as a visitor makes it: held, for a slot five days ahead."""
    offer = offer or make_offer()
    if starts_at is None and offer.mode == Mode.SLOT:
        starts_at = slot_start()
    return creation.create(order=order(offer, starts_at, **values), by=VISITOR)


def with_status(booking: Booking, status: str) -> Booking:
    """The booking put into a state by force, with what the constraints want of it."""
    cancelled = status == Status.CANCELLED
    Booking.objects.filter(pk=booking.pk).update(
        status=status,
        hold_expires_at=booking.hold_expires_at or db_now(),
        cancelled_at=db_now() if cancelled else None,
        cancelled_by="system:test" if cancelled else "",
    )
    booking.refresh_from_db()
    return booking


def body(offer: ServiceOffer, starts_at: datetime | None = None, **values: Any) -> dict[str, Any]:
    """The body of POST /api/bookings."""
    found: dict[str, Any] = {
        "service": offer.service.slug,
        "customer": {"name": "Brian Mwangi", "email": "brian@example.org", "phone": "+254711000000"},
        "consent": True,
    }
    if starts_at:
        found["starts_at"] = starts_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return found | values


def key() -> dict[str, str]:
    """The header of a fresh Idempotency-Key."""
    return {"HTTP_IDEMPOTENCY_KEY": str(uuid.uuid4())}


def bearer(booking: Booking) -> dict[str, str]:
    """The header that carries the booking's token."""
    return {"HTTP_AUTHORIZATION": f"Bearer {tokens.make(booking)}"}
