"""Row locks. Order: Booking → Payment → Refund, Dispute → PaymentEvent; each helper takes the locks above it first."""

import uuid

from bookings.actions import payments as booking_money
from common.errors import NotFound
from payments.models import Payment, PaymentEvent


def payment(payment_id: uuid.UUID) -> Payment:
    """The payment, locked after its booking until the transaction ends; NotFound when there is none."""
    booking_id = Payment.objects.filter(pk=payment_id).values_list("booking_id", flat=True).first()
    if booking_id is None:
        raise NotFound
    booking_money.lock(booking_id=booking_id)
    return Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment_id)


def event(event_id: uuid.UUID) -> PaymentEvent:
    """The event, locked; take it after its payment."""
    return PaymentEvent.objects.select_for_update(of=("self",), no_key=True).get(pk=event_id)
