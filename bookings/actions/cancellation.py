"""Cancelling, and what the customer gets back."""

import uuid
from datetime import datetime

from django.db import transaction

from bookings import locks, selectors
from bookings.actions import notices, transitions
from bookings.constants import Status
from bookings.errors import TooLateToCancel
from bookings.models import Booking
from common.actor import Actor, ActorKind
from common.clock import db_now
from common.errors import FieldError, ValidationFailed
from common.instants import instant
from jobs.actions import enqueue

REFUND_JOB = "payments.refund_cancelled"


def cancel(*, booking_id: uuid.UUID, by: Actor, reason: str = "", refund_amount: int | None = None) -> Booking:
    """Cancel the booking and decide what is paid back; a cancelled one is returned as it is.

    A customer gets all that was paid, up to the agreed hours before the earliest start that it ever had; staff choose
    `refund_amount` (in all, earlier refunds included; default: everything). Raises NotFound, InvalidTransition,
    TooLateToCancel, and ValidationFailed for an amount that is not allowed. The refund itself is a job of payments.
    """
    with transaction.atomic():
        now = db_now()
        booking = locks.booking(booking_id)
        if booking.status == Status.CANCELLED:
            return booking
        transitions.require(booking=booking, to=Status.CANCELLED)
        refund = _refund(booking, by=by, refund_amount=refund_amount, now=now)
        transitions.move(
            booking=booking,
            to=Status.CANCELLED,
            event="booking.cancelled",
            by=by,
            now=now,
            reason=reason,
            cancelled_at=now,
            cancelled_by=by.ref,
            cancel_reason=reason,
            refund_due_amount=refund,
            review_reason="",
            sequence=booking.sequence + 1,
        )
        ask_for_refund(booking=booking, by=by)
        notices.send(booking=booking, by=by)
        return booking


def ask_for_refund(*, booking: Booking, by: Actor) -> None:
    """Queue the payments' job that pays back what the booking owes, if it owes anything. Needs a transaction."""
    if selectors.refund_owed(booking):
        enqueue(kind=REFUND_JOB, args={"booking_id": str(booking.pk)}, by=by, dedupe_key=str(booking.pk))


def _refund(booking: Booking, *, by: Actor, refund_amount: int | None, now: datetime) -> int:
    if by.kind == ActorKind.CUSTOMER:
        if refund_amount is not None:
            raise ValidationFailed(errors=[_fault("not_allowed", "Only staff choose the amount.")])
        _check_deadline(booking, now)
        return booking.paid_amount
    if refund_amount is None:
        return booking.paid_amount
    if not 0 <= refund_amount <= booking.paid_amount:
        raise ValidationFailed(errors=[_fault("out_of_range", f"Between 0 and {booking.paid_amount}.")])
    return refund_amount


def _check_deadline(booking: Booking, now: datetime) -> None:
    if not selectors.customer_may_cancel(booking, now=now):
        raise TooLateToCancel(members={"until": instant(selectors.cancellable_until(booking))})


def _fault(code: str, detail: str) -> FieldError:
    return FieldError(code, detail, "#/refund_amount")
