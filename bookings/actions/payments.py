"""What payments write into bookings, each inside the transaction that records the money.

Lock order: Booking → BookingResource → payments' own rows. Call `lock` (or one of these) before locking a payment.
"""

import uuid
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from django.db.models import Subquery

from audit.actions import record
from bookings import locks, selectors
from bookings.actions import notices, seats, transitions
from bookings.constants import HOLD_SECONDS, Purpose, ReviewReason, Status
from bookings.models import Booking
from common.actor import Actor
from common.target import Target


class Outcome(StrEnum):
    """What money did to its booking."""

    CONFIRMED = "confirmed"
    NEEDS_REVIEW = "needs_review"


def lock(*, booking_id: uuid.UUID | Subquery) -> Booking:
    """The booking under its row lock, which comes before every lock of a payment. Raises NotFound.

    `booking_id` may be a query for the id, which spares a round trip.
    """
    return locks.booking(booking_id)


def record_success(*, booking_id: uuid.UUID, amount: int, purpose: str, by: Actor, now: datetime) -> Outcome:
    """Add money that a payment brought, once a payment; confirm the booking if it can be confirmed.

    `needs_review`: the money is recorded and the booking says why (`review_reason`); staff decide. A hold that has run
    out but still has its seat is confirmed; an expired one gets a seat again if its time has one free.
    Needs the payment's transaction; locks the booking.
    """
    booking = locks.booking(booking_id)
    problem, changes = _judge(booking, amount=amount, purpose=purpose, now=now)
    _record_paid(booking, amount=amount, purpose=purpose, by=by, now=now)
    if problem:
        transitions.change(booking=booking, now=now, review_reason=problem)
        record(action="booking.needs_review", by=by, target=Target.of(booking), after={"review_reason": problem})
        return Outcome.NEEDS_REVIEW
    if booking.status in {Status.HELD, Status.EXPIRED}:
        transitions.move(
            booking=booking,
            to=Status.CONFIRMED,
            event="booking.confirmed",
            by=by,
            now=now,
            hold_expires_at=None,
            **changes,
        )
        notices.send(booking=booking, by=by)
    return Outcome.CONFIRMED


def record_refund(*, booking_id: uuid.UUID, refunded_amount: int, by: Actor, now: datetime) -> Booking:
    """Set what was paid back in all; staff's review is done once everything is back. Needs the refund's transaction."""
    booking = locks.booking(booking_id)
    if booking.refunded_amount == refunded_amount:
        return booking
    before = {"refunded_amount": booking.refunded_amount}
    settled = refunded_amount >= booking.paid_amount
    review = "" if settled else booking.review_reason
    transitions.change(booking=booking, now=now, refunded_amount=refunded_amount, review_reason=review)
    after = {"refunded_amount": refunded_amount}
    record(action="booking.refunded", by=by, target=Target.of(booking), before=before, after=after)
    return booking


def extend_hold(*, booking_id: uuid.UUID, by: Actor, now: datetime) -> bool:
    """Hold for 15 minutes from `now` because a payment is in process; once a booking.

    Returns whether it was extended.
    """
    booking = locks.booking(booking_id)
    if booking.status != Status.HELD or booking.hold_extended:
        return False
    until = now + timedelta(seconds=HOLD_SECONDS)
    before = {"hold_expires_at": booking.hold_expires_at.isoformat() if booking.hold_expires_at else None}
    transitions.change(booking=booking, now=now, hold_expires_at=until, hold_extended=True)
    after = {"hold_expires_at": until.isoformat()}
    record(action="booking.hold_extended", by=by, target=Target.of(booking), before=before, after=after)
    return True


def _judge(booking: Booking, *, amount: int, purpose: str, now: datetime) -> tuple[str, dict[str, Any]]:
    """Why the money cannot count (empty: it can), and what confirming changes beside the state."""
    if booking.status not in {Status.HELD, Status.EXPIRED, Status.CONFIRMED, Status.COMPLETED}:
        return ReviewReason.CLOSED, {}
    if not _is_right(booking, amount=amount, purpose=purpose):
        return ReviewReason.AMOUNT, {}
    settled = {"review_reason": ""} if booking.review_reason == ReviewReason.AMOUNT else {}
    if booking.status != Status.EXPIRED:
        return "", settled
    if booking.starts_at is None or booking.starts_at <= now:
        return ReviewReason.TOO_LATE, {}
    seat = seats.retake(booking=booking, now=now)
    return ("", {"seat": seat, **settled}) if seat else (ReviewReason.SEAT_GONE, {})


def _is_right(booking: Booking, *, amount: int, purpose: str) -> bool:
    """Whether the amount is what the purpose asks for: the first payment exactly, a balance up to what is left.

    Money that staff took by hand comes as a balance before the booking is confirmed: in all it must reach what is due
    at once.
    """
    if booking.status not in {Status.HELD, Status.EXPIRED}:
        return amount <= selectors.outstanding(booking)
    if purpose == Purpose.BALANCE:
        enough = booking.paid_amount + amount >= int(selectors.quote(booking)["due"])
        return enough and amount <= selectors.outstanding(booking)
    return amount == selectors.due(booking).amount


def _record_paid(booking: Booking, *, amount: int, purpose: str, by: Actor, now: datetime) -> None:
    paid = booking.paid_amount + amount
    before = {"paid_amount": booking.paid_amount}
    transitions.change(booking=booking, now=now, paid_amount=paid)
    after = {"paid_amount": paid}
    meta = {"amount": amount, "purpose": purpose}
    record(action="booking.paid", by=by, target=Target.of(booking), before=before, after=after, meta=meta)
