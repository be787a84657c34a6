"""A payment as clients read it: the API and the payment page show the same."""

from typing import Any

from django.conf import settings

from common.instants import instant
from common.money import format_money
from payments import client_secret, selectors
from payments.constants import UNPAID_STATUSES
from payments.models import Payment, PaymentEvent, Refund


def intent_body(payment: Payment) -> dict[str, Any]:
    """The answer of create-intent: with the client secret while there is something to confirm."""
    body = _shared(payment)
    if payment.status in UNPAID_STATUSES:
        body["client_secret"] = client_secret.reveal(payment)
    return body


def payment_body(payment: Payment) -> dict[str, Any]:
    """A payment without its secret, with what became of its money."""
    return {
        **_shared(payment),
        "purpose": payment.purpose,
        "payment_state": selectors.payment_state(payment),
        "amount_refunded": payment.amount_refunded,
    }


def refund_body(refund: Refund) -> dict[str, Any]:
    """A refund."""
    return {
        "id": str(refund.pk),
        "payment": str(refund.payment_id),
        "state": refund.state,
        "amount": refund.amount,
        "currency": refund.currency,
        "reason": refund.reason,
        "created_at": instant(refund.created_at),
    }


def event_body(event: PaymentEvent) -> dict[str, Any]:
    """An event of the provider as staff read it; its payload stays in the admin."""
    return {
        "id": str(event.pk),
        "event_id": event.event_id,
        "type": event.type,
        "object_id": event.object_id,
        "api_version": event.api_version,
        "state": event.state,
        "outcome": event.outcome,
        "received_at": instant(event.received_at),
    }


def receipt_line(payment: Payment) -> dict[str, Any]:
    """A payment that arrived, as the receipt shows it; its capture is prefetched (`selectors.receipts_of`)."""
    currency = selectors.received_currency(payment)
    return {
        "purpose": payment.get_purpose_display(),
        "amount": format_money(payment.amount_captured, currency),
        "refunded": format_money(payment.amount_refunded, currency) if payment.amount_refunded else "",
        "by": paid_by(payment),
        "when": selectors.arrived_at(payment),
        "ref": payment.provider_ref or payment.reference,
    }


def paid_by(payment: Payment) -> str:
    """How it was paid, for people."""
    return payment.get_method_display() or payment.get_provider_display()


def _shared(payment: Payment) -> dict[str, Any]:
    body: dict[str, Any] = {
        "id": str(payment.pk),
        "booking": str(payment.booking_id),
        "provider": payment.provider,
        "status": payment.status,
        "amount": payment.amount,
        "currency": payment.currency,
        "next_action": _next_action(payment),
        "expires_at": instant(payment.expires_at),
        "livemode": payment.livemode,
    }
    if payment.last_error_code:
        body["last_error"] = {"code": payment.last_error_code, "message": payment.last_error_message}
    return body


def _next_action(payment: Payment) -> dict[str, str] | None:
    if payment.status not in UNPAID_STATUSES:
        return None
    return {
        "type": "confirm_card",
        "publishable_key": settings.STRIPE_PUBLISHABLE_KEY,
        "stripe_js_url": settings.STRIPE_JS_URL,
    }
