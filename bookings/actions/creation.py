"""How a booking begins: held, requested, or at once confirmed when it costs nothing."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

from django.conf import settings
from django.db import transaction

from audit.actions import record
from bookings import pricing, selectors
from bookings.actions import notices, seats
from bookings.constants import (
    CONSENT_VERSION,
    HOLD_SECONDS,
    REFERENCE_ALPHABET,
    REFERENCE_LENGTH,
    REFERENCE_TRIES,
    Mode,
    Status,
)
from bookings.errors import NotBookable
from bookings.models import Booking, ServiceOffer
from cms.selectors import live_service
from common.actor import Actor, ActorKind
from common.clock import db_now
from common.errors import FieldError, InternalError, ValidationFailed
from common.target import Target

_EVENTS = {Status.HELD: "booking.held", Status.REQUESTED: "booking.requested", Status.CONFIRMED: "booking.confirmed"}
_SPAM_REASON = "honeypot"


@dataclass(frozen=True, slots=True)
class Customer:
    """Whose booking it is; `phone` is E.164 or empty."""

    name: str
    email: str
    phone: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What a visitor asks for. `starts_at` is required where a time is picked; `spam`: a robot filled the form in."""

    service: str
    customer: Customer
    starts_at: datetime | None = None
    notes: str = ""
    zone: str = ""
    source_page: str = ""
    attribution: dict[str, str] = field(default_factory=dict)
    spam: bool = False


def create(*, order: Order, by: Actor) -> Booking:
    """Make the booking: `held` for 15 minutes, `requested` where staff confirm, `confirmed` at a price of zero.

    A visitor acts as the customer of the new booking. Raises ValidationFailed for an unknown service or zone or a
    missing time, NotBookable, SlotNotOffered, and SlotTaken with the nearest free times.
    """
    with transaction.atomic():
        now = db_now()
        offer = _offer(order.service)
        _check(order, offer)
        if order.spam:
            return _store_spam(order, offer, by=by, now=now)
        seat = seats.take(offer=offer, starts_at=order.starts_at, now=now) if order.starts_at else None
        status = _first_status(offer)
        expires = now + timedelta(seconds=HOLD_SECONDS) if status == Status.HELD else None
        booking = _insert(order, offer, now=now, status=status, hold_expires_at=expires, **_seated(seat))
        actor = _actor(by, booking)
        after = {"status": status, "price_amount": booking.price_amount, "currency": booking.currency}
        record(action=_EVENTS[status], by=actor, target=Target.of(booking), after=after)
        notices.send(booking=booking, by=actor)
        return booking


def _offer(slug: str) -> ServiceOffer:
    offer = selectors.live_offer(slug)
    if offer is None and live_service(slug) is None:
        raise ValidationFailed(errors=[FieldError("unknown", "There is no such service.", "#/service")])
    if offer is None or offer.mode == Mode.NONE:
        raise NotBookable
    return offer


def _check(order: Order, offer: ServiceOffer) -> None:
    faults = []
    if order.starts_at is None and offer.mode == Mode.SLOT:
        faults.append(FieldError("required", "Pick a time.", "#/starts_at"))
    if order.zone and order.zone not in available_timezones():
        faults.append(FieldError("invalid", "A time zone's name is wanted, such as Africa/Nairobi.", "#/zone"))
    if faults:
        raise ValidationFailed(errors=faults)


def _first_status(offer: ServiceOffer) -> Status:
    if offer.mode == Mode.REQUEST:
        return Status.REQUESTED
    return Status.HELD if offer.price_amount else Status.CONFIRMED


def _seated(seat: seats.Seat | None) -> dict[str, Any]:
    if seat is None:
        return {}
    return {
        "starts_at": seat.starts_at,
        "ends_at": seat.ends_at,
        "first_starts_at": seat.starts_at,
        "resource": seat.resource,
        "seat": seat.number,
        "occupies": seat.occupies,
    }


def _insert(order: Order, offer: ServiceOffer, *, now: datetime, **columns: Any) -> Booking:
    return Booking.objects.create(
        reference=_reference(),
        service=offer.service,
        service_title=offer.service.title,
        price_amount=offer.price_amount,
        deposit_amount=pricing.deposit(offer.price_amount, percent=offer.deposit_percent, currency=offer.currency),
        currency=offer.currency,
        duration_minutes=offer.duration_minutes,
        cancellation_hours=offer.cancellation_hours,
        customer_name=order.customer.name,
        customer_email=order.customer.email,
        customer_phone=order.customer.phone,
        notes=order.notes,
        consent_version=CONSENT_VERSION,
        zone=order.zone or settings.STUDIO_TIME_ZONE,
        source_page=order.source_page,
        attribution=order.attribution,
        created_at=now,
        updated_at=now,
        **columns,
    )


def _reference() -> str:
    """A free reference; of 30^8 the first one nearly always is, and the unique index guards the rest."""
    for _ in range(REFERENCE_TRIES):
        candidate = "".join(secrets.choice(REFERENCE_ALPHABET) for _ in range(REFERENCE_LENGTH))
        if not Booking.objects.filter(reference=candidate).exists():
            return candidate
    raise InternalError("No free booking reference was found.")


def _actor(by: Actor, booking: Booking) -> Actor:
    return Actor.customer(id=booking.pk, label=booking.customer_name) if by.kind == ActorKind.SYSTEM else by


def _store_spam(order: Order, offer: ServiceOffer, *, by: Actor, now: datetime) -> Booking:
    """A row that takes no seat and is cancelled from the start; its sender is answered as if it were held."""
    starts_at = order.starts_at
    times: dict[str, Any] = {}
    if starts_at and now < starts_at < now + timedelta(days=offer.max_days_ahead):
        ends_at = starts_at + timedelta(minutes=offer.duration_minutes)
        times = {"starts_at": starts_at, "ends_at": ends_at, "first_starts_at": starts_at}
    cancelled = {"cancelled_at": now, "cancelled_by": ActorKind.SYSTEM.value, "cancel_reason": _SPAM_REASON}
    expires = now + timedelta(seconds=HOLD_SECONDS)
    booking = _insert(
        order, offer, now=now, status=Status.CANCELLED, spam=True, hold_expires_at=expires, **times, **cancelled
    )
    record(action="booking.spam", by=by, target=Target.of(booking))
    return booking
