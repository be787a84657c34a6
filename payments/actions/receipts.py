"""The receipt that goes out by mail."""

from zoneinfo import ZoneInfo

from bookings import selectors as bookings
from common.actor import Actor
from common.money import format_money
from mail.actions import send
from payments import selectors
from payments.models import Payment

TEMPLATE = "payments/receipt"


def send_receipt(*, payment: Payment, by: Actor, key: str = "") -> None:
    """Queue the receipt of a payment that arrived, once a payment or, when staff send it again, a `key`.

    Needs the transaction that records it.
    """
    booking = bookings.booking_by_id(payment.booking_id)
    currency = selectors.received_currency(payment)
    send(
        template=TEMPLATE,
        to=booking.customer_email,
        context={
            "payment_id": str(payment.pk),
            "booking_id": str(booking.pk),
            "name": booking.customer_name,
            "reference": booking.reference,
            "service": booking.service_title,
            "amount": format_money(payment.amount_captured, currency),
            "purpose": payment.purpose,
            "paid_by": payment.get_method_display() or payment.get_provider_display(),
            "paid_on": f"{selectors.arrived_at(payment).astimezone(ZoneInfo(booking.zone)):%Y-%m-%d}",
            "price": format_money(booking.price_amount, booking.currency),
            "outstanding": _outstanding(payment),
        },
        key=key or f"payment:{payment.pk}:receipt",
        by=by,
        secrets={"manage_url": bookings.manage_url(booking)},
    )


def _outstanding(payment: Payment) -> str:
    """What is left to pay, in words; empty for nothing."""
    booking = bookings.booking_by_id(payment.booking_id)
    left = bookings.outstanding(booking)
    return format_money(left, booking.currency) if left else ""
