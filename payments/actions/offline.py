"""Money that came by hand: cash, a bank transfer, a terminal or a till that no provider of ours knows."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from audit.actions import record
from bookings import selectors as bookings
from bookings.actions import payments as booking_money
from bookings.constants import Purpose
from common.actor import Actor
from common.clock import db_now
from common.errors import FieldError, ValidationFailed
from common.ids import uuid7
from common.target import Target
from payments import selectors
from payments.actions import ledger, receipts, reviews
from payments.constants import Provider, ReviewReason, Status
from payments.errors import AmountMismatch
from payments.models import Payment

OLDEST = timedelta(days=3660)  # ten years: what is older is a slip of the pen, and year 1 has no local time everywhere


@dataclass(frozen=True, slots=True)
class Received:
    """What staff took: minor units of the booking's currency; `received_at` None: now.

    The same `once` for the same booking is the same payment.
    """

    booking_id: uuid.UUID
    amount: int
    method: str
    reference: str
    received_at: datetime | None = None
    once: uuid.UUID | None = None


def record_payment(*, received: Received, by: Actor) -> Payment:
    """Record it, with all that a payment brings: the booking's money and state, ledger, audit, receipt.

    Its purpose is what is due at once when the amount equals that, else `balance`. Raises NotFound, AmountMismatch for
    more than what is outstanding, and ValidationFailed for a time that has not come yet or is years ago, or for a
    `once` that was about other money.
    """
    with transaction.atomic():
        booking = booking_money.lock(booking_id=received.booking_id)
        if (before := _recorded_before(received)) is not None:
            return before
        now = db_now()
        payment = _row(booking, received, now=now)
        payment.save(force_insert=True)
        ledger.capture(payment=payment, amount=payment.amount, currency=payment.currency, now=now, known=True)
        after = {"amount": payment.amount, "currency": payment.currency, "method": payment.method}
        record(action="payment.offline_recorded", by=by, target=Target.of(payment), after=after)
        _tell_booking(payment, by=by, now=now)
        receipts.send_receipt(payment=payment, by=by)
        return payment


def _recorded_before(received: Received) -> Payment | None:
    """The payment of the same `once`; raises ValidationFailed when that was about other money."""
    before = Payment.objects.filter(pk=received.once).first() if received.once else None
    if before is None:
        return None
    same = (received.booking_id, received.amount, received.method, received.reference)
    if (before.booking_id, before.amount, before.method, before.reference) != same:
        fault = FieldError("used", "This form has recorded a payment already. Open it anew for another.")
        raise ValidationFailed(errors=[fault])
    return before


def _row(booking: Any, received: Received, *, now: datetime) -> Payment:
    at = received.received_at or now
    if at > now:
        fault = FieldError("in_future", "This time has not come yet.", pointer="#/received_at")
        raise ValidationFailed(errors=[fault])
    if at < now - OLDEST:
        fault = FieldError("too_old", "This is too long ago; look at the year.", pointer="#/received_at")
        raise ValidationFailed(errors=[fault])
    if received.amount > bookings.outstanding(booking):
        quote = bookings.quote(booking) | {"outstanding": bookings.outstanding(booking)}
        raise AmountMismatch(members={"quote": quote})
    return Payment(
        id=received.once or uuid7(),
        booking_id=booking.pk,
        purpose=_purpose(booking, received.amount),
        provider=Provider.OFFLINE,
        attempt=selectors.next_attempt(booking.pk),
        livemode=selectors.mode() not in {"twin", "test"},
        amount=received.amount,
        currency=booking.currency,
        status=Status.SUCCEEDED,
        amount_captured=received.amount,
        provider_amount=received.amount,
        provider_currency=booking.currency,
        method=received.method,
        reference=received.reference,
        received_at=at,
        created_at=now,
        updated_at=now,
    )


def _purpose(booking: Any, amount: int) -> str:
    due = bookings.due(booking)
    return due.purpose if amount == due.amount else Purpose.BALANCE.value


def _tell_booking(payment: Payment, *, by: Actor, now: datetime) -> None:
    """Its paid amount and state; what cannot confirm it waits for staff, as a provider's payment does."""
    done = booking_money.record_success(
        booking_id=payment.booking_id, amount=payment.amount, purpose=payment.purpose, by=by, now=now
    )
    if done != booking_money.Outcome.NEEDS_REVIEW:
        _settle_parts(payment, by=by)
        return
    payment.review_reason = ReviewReason.BOOKING_NOT_CONFIRMED
    payment.save(update_fields=["review_reason"])
    after = {"review_reason": payment.review_reason}
    record(action="payment.needs_review", by=by, target=Target.of(payment), after=after)


def _settle_parts(payment: Payment, *, by: Actor) -> None:
    """Parts that were too small by themselves have confirmed the booking together: nobody need decide on them."""
    parts = Payment.objects.filter(
        booking=payment.booking_id, provider=Provider.OFFLINE, review_reason=ReviewReason.BOOKING_NOT_CONFIRMED
    )
    for part in parts.values_list("pk", flat=True):
        reviews.settle(payment_id=part, by=by)
