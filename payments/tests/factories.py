"""Requests, payments and webhooks for tests."""

import json
import threading
from typing import Any

import stripe
from django.conf import settings
from rest_framework.test import APIClient

from bookings.constants import Purpose
from bookings.models import Booking
from bookings.tests.factories import bearer
from common.actor import Actor
from common.clock import db_now
from devkit.stripe.webhooks import signature
from jobs.testing import run_due
from payments.actions import intents
from payments.constants import DisputeStatus, Provider, RefundOrigin, Status
from payments.models import Dispute, LedgerEntry, Payment, Refund

BY = Actor.system("test")
_clients = threading.local()
WEBHOOK = "/api/payments/webhooks/stripe"
CREATE = "/api/payments/create-intent"


def begin(booking: Booking, **wish: Any) -> Payment:
    """The live payment of a booking, begun at the twin."""
    return intents.create(wish=intents.Wish(booking_id=booking.pk, **wish), by=BY).payment


def make_payment(booking: Booking, **values: Any) -> Payment:
    """A row by itself; no provider knows it."""
    now = db_now()
    defaults: dict[str, Any] = {
        "booking": booking,
        "purpose": Purpose.DEPOSIT,
        "provider": Provider.STRIPE,
        "attempt": Payment.objects.filter(booking=booking).count() + 1,
        "livemode": False,
        "amount": 75_000,
        "currency": "KES",
        "status": Status.REQUIRES_PAYMENT_METHOD,
        "created_at": now,
        "updated_at": now,
    }
    if values.get("provider") == Provider.OFFLINE:
        defaults |= {"method": "cash", "reference": "Receipt 7", "received_at": now}
    return Payment.objects.create(**(defaults | values))


def make_refund(payment: Payment, **values: Any) -> Refund:
    """A row by itself."""
    now = db_now()
    defaults: dict[str, Any] = {
        "payment": payment,
        "provider": payment.provider,
        "amount": 1,
        "currency": payment.currency,
        "requested_by": "system:test",
        "idempotency_key": f"k{Refund.objects.count()}",
        "origin": RefundOrigin.OURS,
        "created_at": now,
        "updated_at": now,
    }
    return Refund.objects.create(**(defaults | values))


def make_dispute(payment: Payment, **values: Any) -> Dispute:
    """A row by itself."""
    now = db_now()
    defaults: dict[str, Any] = {
        "payment": payment,
        "provider": payment.provider,
        "provider_ref": f"dp_{Dispute.objects.count()}",
        "amount": payment.amount,
        "currency": payment.currency,
        "status": DisputeStatus.NEEDS_RESPONSE,
        "opened_at": now,
        "created_at": now,
        "updated_at": now,
    }
    return Dispute.objects.create(**(defaults | values))


def post_intent(booking: Booking, headers: dict[str, str] | None = None, /, **body: Any) -> Any:
    """POST /api/payments/create-intent as the holder of the booking's token."""
    found = {"booking": str(booking.pk)} | body
    return outside().post(CREATE, found, format="json", **bearer(booking), **(headers or {}))


def signed(body: bytes, *, secret: str = "", at: float | None = None) -> dict[str, str]:
    """The header of a genuine webhook."""
    moment = int(db_now().timestamp() if at is None else at)
    return {"HTTP_STRIPE_SIGNATURE": signature(body, [secret or settings.STRIPE_WEBHOOK_SECRET[0]], moment)}


def outside() -> APIClient:
    """Whoever calls without a session: one client a thread, since each loads all middleware anew."""
    if not hasattr(_clients, "outside"):
        _clients.outside = APIClient(enforce_csrf_checks=True)
    client: APIClient = _clients.outside
    return client


def send(body: bytes, headers: dict[str, str], path: str = WEBHOOK) -> Any:
    """Deliver raw bytes."""
    return outside().post(path, body, content_type="application/json", **headers)


def deliver(event: dict[str, Any], *, path: str = WEBHOOK) -> Any:
    """Deliver an event as the provider does."""
    shown = {name: value for name, value in event.items() if not name.startswith("_")}
    body = json.dumps(shown).encode()
    return send(body, signed(body), path)


def deliver_all(twin: Any, kind: str = "") -> None:
    """Deliver all events so far, or those of a kind, and run the jobs that they bring."""
    for event in twin.events(kind):
        assert deliver(event).status_code == 200
    run_due()


def pay(twin: Any, payment: Payment, method: str = "pm_card_visa") -> None:
    """Pay at the provider as the customer's browser does; nobody tells us."""
    twin.pay(payment.provider_ref, payment_method=method)


def sdk(twin: Any) -> stripe.StripeClient:
    """The official client, as somebody else would use it."""
    return stripe.StripeClient(twin.secret_key, base_addresses={"api": twin.base_url})


def ledger_sums(*, fees: bool = False) -> dict[str, int]:
    """The balance of each account, as it is without what the provider keeps unless `fees` are asked for."""
    sums: dict[str, int] = {}
    entries = LedgerEntry.objects.all() if fees else LedgerEntry.objects.exclude(transaction__kind="fee")
    for code, amount in entries.values_list("account__code", "amount"):
        sums[code] = sums.get(code, 0) + amount
    return sums


def creates(twin: Any) -> int:
    """How often the provider was asked to create a payment."""
    return twin.control()["calls"].get("POST /v1/payment_intents", 0)
