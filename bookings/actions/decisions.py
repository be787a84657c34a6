"""What staff decide: on requests, and on money that could not confirm its booking."""

import uuid

from django.db import transaction

from audit.actions import record
from bookings import locks
from bookings.actions import cancellation, notices, transitions
from bookings.constants import Status
from bookings.errors import InvalidTransition, NothingToReview
from bookings.models import Booking
from common.actor import Actor
from common.clock import db_now
from common.errors import FieldError, ValidationFailed
from common.target import Target


def confirm(*, booking_id: uuid.UUID, by: Actor) -> Booking:
    """Confirm a request or a hold; what it costs stays payable. A confirmed booking is returned as it is.

    Raises NotFound and InvalidTransition. An expired booking is confirmed only by money, not by hand.
    """
    with transaction.atomic():
        now = db_now()
        booking = locks.booking(booking_id)
        if booking.status == Status.CONFIRMED:
            return booking
        if booking.status == Status.EXPIRED:
            raise InvalidTransition(members={"state": booking.status, "allowed": []})
        transitions.move(
            booking=booking, to=Status.CONFIRMED, event="booking.confirmed", by=by, now=now, hold_expires_at=None
        )
        notices.send(booking=booking, by=by)
        return booking


def decline(*, booking_id: uuid.UUID, by: Actor, reason: str = "") -> Booking:
    """Decline a request; a declined booking is returned as it is. Raises NotFound and InvalidTransition."""
    with transaction.atomic():
        now = db_now()
        booking = locks.booking(booking_id)
        if booking.status == Status.DECLINED:
            return booking
        transitions.move(booking=booking, to=Status.DECLINED, event="booking.declined", by=by, now=now, reason=reason)
        notices.send(booking=booking, by=by)
        return booking


def resolve_review(*, booking_id: uuid.UUID, by: Actor, refund_amount: int) -> Booking:
    """Settle money that could not confirm its booking: pay back `refund_amount` in all (0: keep it).

    Raises NotFound, NothingToReview, and ValidationFailed for less than was refunded or more than was paid.
    """
    with transaction.atomic():
        now = db_now()
        booking = locks.booking(booking_id)
        if not booking.review_reason:
            raise NothingToReview
        if not booking.refunded_amount <= refund_amount <= booking.paid_amount:
            detail = f"Between {booking.refunded_amount} and {booking.paid_amount}."
            raise ValidationFailed(errors=[FieldError("out_of_range", detail, "#/refund_amount")])
        before = {"review_reason": booking.review_reason, "refund_due_amount": booking.refund_due_amount}
        transitions.change(booking=booking, now=now, review_reason="", refund_due_amount=refund_amount)
        after = {"review_reason": "", "refund_due_amount": refund_amount}
        record(action="booking.reviewed", by=by, target=Target.of(booking), before=before, after=after)
        cancellation.ask_for_refund(booking=booking, by=by)
        return booking
