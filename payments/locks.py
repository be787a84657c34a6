"""Row locks. Order: Booking → Payment → Refund, Dispute → PaymentEvent; each helper takes the locks above it first."""

import uuid

from django.db.models import Subquery

from bookings.actions import payments as booking_money
from payments.models import Payment, PaymentEvent


def payment(payment_id: uuid.UUID) -> Payment:
    """The payment, locked after its booking until the transaction ends; NotFound when there is none."""
    of = Payment.objects.filter(pk=payment_id).values("booking_id")
    booking_money.lock(booking_id=Subquery(of))
    return Payment.objects.select_for_update(of=("self",), no_key=True).get(pk=payment_id)


def event(event_id: uuid.UUID) -> PaymentEvent:
    """The event, locked; take it after its payment."""
    return PaymentEvent.objects.select_for_update(of=("self",), no_key=True).get(pk=event_id)
