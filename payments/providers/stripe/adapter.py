"""Stripe as a provider."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeVar, cast

import stripe
from django.conf import settings

from payments.providers.errors import InvalidRequest
from payments.providers.protocol import (
    BalanceEntry,
    Capabilities,
    DisputeSnapshot,
    EntryKind,
    InboxEvent,
    Missed,
    Order,
    PayoutSnapshot,
    RefundSnapshot,
    Snapshot,
)
from payments.providers.stripe import currencies, webhook
from payments.providers.stripe import events as stripe_events
from payments.providers.stripe.client import client
from payments.providers.stripe.constants import (
    CHARGE_ENTRY,
    EVENT_TYPES_MOST,
    MISSABLE_EVENTS,
)
from payments.providers.stripe.pages import listed, patiently, window
from payments.providers.stripe.translation import (
    answer_of,
    balance_entry,
    date_of,
    dispute_snapshot,
    payout_snapshot,
    reading,
    refund_snapshot,
    snapshot,
    writing,
)

T = TypeVar("T")


class StripeProvider:
    """One account by one client."""

    name = "stripe"
    capabilities = Capabilities(
        lists=True,
        partial_refund=True,
        idempotency="key",
        currencies=currencies.CHARGED,
        places=currencies.places,
        minimums=currencies.MINIMUMS,
        maximum=currencies.AMOUNT_MAX,
    )

    def __init__(self, sdk: stripe.StripeClient, *, livemode: bool, patient: bool) -> None:
        """`patient` repeats reads that fail for now; nobody may wait for them."""
        self.livemode = livemode
        self._v1 = sdk.v1
        self._patient = patient

    def check(self, *, amount: int, currency: str) -> str:
        """Why our table refuses the amount, as a problem code; empty when it does not."""
        return currencies.refusal(amount, currency)

    def create(self, order: Order, *, key: str) -> Snapshot:
        """POST /v1/payment_intents; parameters depend on the order alone, or its key could not be used again."""
        metadata = {
            "payment_id": str(order.payment_id),
            "booking_id": str(order.booking_id),
            "purpose": order.purpose,
            "attempt": str(order.attempt),
        }
        with writing():
            intent = self._v1.payment_intents.create(
                {
                    "amount": self._exact(order.amount, order.currency),
                    "currency": order.currency.lower(),
                    "automatic_payment_methods": {"enabled": True},
                    "description": order.description,
                    "metadata": metadata,
                },
                {"idempotency_key": key},
            )
        return self._seen(intent)

    def fetch(self, ref: str) -> Snapshot:
        """GET /v1/payment_intents/{id}, with what its charge did to the balance: that is where the fee stands."""
        return self._read(lambda: self._seen(self._v1.payment_intents.retrieve(ref, {"expand": [CHARGE_ENTRY]})))

    def find(self, payment_id: uuid.UUID, *, since: datetime, until: datetime) -> Snapshot | None:
        """Read the window's list: Stripe's search lags behind, its list does not."""
        wanted = str(payment_id)
        changes = self.list_changes(since=since, until=until)
        return next((one for one in changes if one.metadata.get("payment_id") == wanted), None)

    def cancel(self, ref: str, *, key: str) -> Snapshot:
        """POST /v1/payment_intents/{id}/cancel."""
        with writing():
            intent = self._v1.payment_intents.cancel(
                ref, {"cancellation_reason": "abandoned"}, {"idempotency_key": key}
            )
        return self._seen(intent)

    def capture(self, ref: str, *, key: str) -> Snapshot:
        """POST /v1/payment_intents/{id}/capture."""
        with writing():
            intent = self._v1.payment_intents.capture(ref, {"expand": [CHARGE_ENTRY]}, {"idempotency_key": key})
        return self._seen(intent)

    def refund(
        self, ref: str, *, refund_id: uuid.UUID, amount: int, currency: str, reason: str, key: str
    ) -> RefundSnapshot:
        """POST /v1/refunds."""
        params: dict[str, Any] = {
            "payment_intent": ref,
            "amount": self._exact(amount, currency),
            "metadata": {"refund_id": str(refund_id)},
        }
        if reason:
            params["reason"] = reason
        with writing():
            refund = self._v1.refunds.create(cast("Any", params), {"idempotency_key": key})
        return refund_snapshot(refund.to_dict(), answer=answer_of(refund))

    def refunds_of(self, ref: str) -> list[RefundSnapshot]:
        """GET /v1/refunds of one payment."""
        return [refund_snapshot(one) for one in listed(self._v1.refunds, payment_intent=ref)]

    def disputes_of(self, ref: str) -> list[DisputeSnapshot]:
        """GET /v1/disputes of one payment."""
        return [dispute_snapshot(one) for one in listed(self._v1.disputes, payment_intent=ref)]

    def payout(self, ref: str) -> PayoutSnapshot:
        """GET /v1/payouts/{id}."""
        return self._read(lambda: payout_snapshot(self._v1.payouts.retrieve(ref).to_dict()))

    def entries_of_payout(self, ref: str) -> Iterator[BalanceEntry]:
        """GET /v1/balance_transactions of one payout, whose own entry stands among them."""
        entries = (balance_entry(one) for one in listed(self._v1.balance_transactions, payout=ref))
        return (entry for entry in entries if entry.kind != EntryKind.PAYOUT)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> InboxEvent:
        """The body that `Stripe-Signature` proves; no other header counts."""
        return webhook.parse(headers.get("Stripe-Signature", ""), body, now=now)

    def list_changes(self, *, since: datetime, until: datetime) -> Iterator[Snapshot]:
        """GET /v1/payment_intents by creation time, newest first; holds one page in memory."""
        return (snapshot(one) for one in listed(self._v1.payment_intents, created=window(since, until)))

    def missed(self, *, since: datetime, until: datetime) -> Iterator[Missed]:
        """GET /v1/events that some endpoint has not answered with 2xx; Stripe keeps them for 30 days."""
        bounds = window(since, until)
        for start in range(0, len(MISSABLE_EVENTS), EVENT_TYPES_MOST):
            types = list(MISSABLE_EVENTS[start : start + EVENT_TYPES_MOST])
            for event in listed(self._v1.events, created=bounds, delivery_success=False, types=types):
                yield stripe_events.missed(event)

    def list_refunds(self, *, since: datetime, until: datetime) -> Iterator[RefundSnapshot]:
        """GET /v1/refunds."""
        return (refund_snapshot(one) for one in listed(self._v1.refunds, created=window(since, until)))

    def list_disputes(self, *, since: datetime, until: datetime) -> Iterator[DisputeSnapshot]:
        """GET /v1/disputes."""
        return (dispute_snapshot(one) for one in listed(self._v1.disputes, created=window(since, until)))

    def list_entries(self, *, since: datetime, until: datetime) -> Iterator[BalanceEntry]:
        """GET /v1/balance_transactions."""
        return (balance_entry(one) for one in listed(self._v1.balance_transactions, created=window(since, until)))

    def list_payouts(self, *, since: datetime, until: datetime) -> Iterator[PayoutSnapshot]:
        """GET /v1/payouts."""
        return (payout_snapshot(one) for one in listed(self._v1.payouts, created=window(since, until)))

    def _read(self, ask: Callable[[], T]) -> T:
        def once() -> T:
            with reading():
                return ask()

        return patiently(once) if self._patient else once()

    @staticmethod
    def _exact(amount: int, currency: str) -> int:
        converted = currencies.to_stripe(amount, currency)
        if converted is None:
            raise InvalidRequest("Stripe cannot charge exactly this amount.", code="amount_not_representable")
        return converted

    @staticmethod
    def _seen(intent: stripe.PaymentIntent) -> Snapshot:
        return snapshot(intent.to_dict(), as_of=date_of(intent), answer=answer_of(intent))


def adapter(*, background: bool) -> StripeProvider:
    """The provider of the configured account."""
    return StripeProvider(
        client(background=background), livemode=settings.PAYMENTS_MODE == "live", patient=background
    )  # fmt: skip
