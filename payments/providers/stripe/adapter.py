"""Stripe as a provider."""

import random
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any, cast

import stripe
from django.conf import settings

from payments.providers.errors import InvalidRequest, Unavailable
from payments.providers.protocol import (
    BalanceEntry,
    Capabilities,
    DisputeSnapshot,
    EntryKind,
    InboxEvent,
    Order,
    PayoutSnapshot,
    RefundSnapshot,
    Snapshot,
)
from payments.providers.stripe import currencies, webhook
from payments.providers.stripe import events as stripe_events
from payments.providers.stripe.client import client
from payments.providers.stripe.constants import (
    BACKOFF_MOST_SECONDS,
    BACKOFF_SECONDS,
    CHARGE_ENTRY,
    EVENT_TYPES_MOST,
    MONEY_EVENTS,
    PAGE_SIZE,
    PAGE_TRIES,
)
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

Page = Callable[[dict[str, Any]], Any]


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

    def __init__(self, sdk: stripe.StripeClient, *, livemode: bool) -> None:
        self.livemode = livemode
        self._v1 = sdk.v1

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
        with reading():
            return self._seen(self._v1.payment_intents.retrieve(ref, {"expand": [CHARGE_ENTRY]}))

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
        return [refund_snapshot(one) for one in _listed(self._v1.refunds, payment_intent=ref)]

    def disputes_of(self, ref: str) -> list[DisputeSnapshot]:
        """GET /v1/disputes of one payment."""
        return [dispute_snapshot(one) for one in _listed(self._v1.disputes, payment_intent=ref)]

    def entries_of(self, source_ref: str) -> list[BalanceEntry]:
        """GET /v1/balance_transactions of one source."""
        return [balance_entry(one) for one in _listed(self._v1.balance_transactions, source=source_ref)]

    def payout(self, ref: str) -> PayoutSnapshot:
        """GET /v1/payouts/{id}."""
        with reading():
            return payout_snapshot(self._v1.payouts.retrieve(ref).to_dict())

    def entries_of_payout(self, ref: str) -> Iterator[BalanceEntry]:
        """GET /v1/balance_transactions of one payout, whose own entry stands among them."""
        entries = (balance_entry(one) for one in _listed(self._v1.balance_transactions, payout=ref))
        return (entry for entry in entries if entry.kind != EntryKind.PAYOUT)

    def parse_webhook(self, headers: Mapping[str, str], body: bytes, *, now: datetime) -> InboxEvent:
        """The body that `Stripe-Signature` proves; no other header counts."""
        return webhook.parse(headers.get("Stripe-Signature", ""), body, now=now)

    def list_changes(self, *, since: datetime, until: datetime) -> Iterator[Snapshot]:
        """GET /v1/payment_intents by creation time, newest first; holds one page in memory."""
        return (snapshot(one) for one in _listed(self._v1.payment_intents, created=_window(since, until)))

    def missed(self, *, since: datetime, until: datetime) -> Iterator[str]:
        """GET /v1/events about payments, refunds and disputes that some endpoint has not answered with 2xx."""
        window = _window(since, until)
        for start in range(0, len(MONEY_EVENTS), EVENT_TYPES_MOST):
            types = list(MONEY_EVENTS[start : start + EVENT_TYPES_MOST])
            for event in _listed(self._v1.events, created=window, delivery_success=False, types=types):
                yield stripe_events.payment_ref(dict(event))

    def list_refunds(self, *, since: datetime, until: datetime) -> Iterator[RefundSnapshot]:
        """GET /v1/refunds."""
        return (refund_snapshot(one) for one in _listed(self._v1.refunds, created=_window(since, until)))

    def list_disputes(self, *, since: datetime, until: datetime) -> Iterator[DisputeSnapshot]:
        """GET /v1/disputes."""
        return (dispute_snapshot(one) for one in _listed(self._v1.disputes, created=_window(since, until)))

    def list_entries(self, *, since: datetime, until: datetime) -> Iterator[BalanceEntry]:
        """GET /v1/balance_transactions."""
        return (balance_entry(one) for one in _listed(self._v1.balance_transactions, created=_window(since, until)))

    def list_payouts(self, *, since: datetime, until: datetime) -> Iterator[PayoutSnapshot]:
        """GET /v1/payouts."""
        return (payout_snapshot(one) for one in _listed(self._v1.payouts, created=_window(since, until)))

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
    return StripeProvider(client(background=background), livemode=settings.PAYMENTS_MODE == "live")


def _window(since: datetime, until: datetime) -> dict[str, int]:
    return {"gte": int(since.timestamp()), "lte": int(until.timestamp())}


def _listed(service: Any, **wanted: Any) -> Iterator[Mapping[str, Any]]:
    """All objects that a list of the SDK's has for these parameters, one page in memory at a time."""
    return _pages(lambda params: service.list({**params, **wanted}))


def _pages(page: Page) -> Iterator[Mapping[str, Any]]:
    """All objects of a list. A page that fails is asked again from the last object that was seen."""
    params: dict[str, Any] = {"limit": PAGE_SIZE}
    while True:
        found = _page(page, params)
        items = [item.to_dict() for item in found.data]
        yield from items
        if not found.has_more or not items:
            return
        params["starting_after"] = items[-1]["id"]


def _page(page: Page, params: dict[str, Any]) -> Any:
    for attempt in range(PAGE_TRIES):
        try:
            with reading():
                return page(dict(params))
        except Unavailable as error:
            if attempt == PAGE_TRIES - 1:
                raise
            pause = max(error.retry_after if error.answer.http_status else 0, BACKOFF_SECONDS * 2**attempt)
            time.sleep(min(pause, BACKOFF_MOST_SECONDS) * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
    raise Unavailable("No page was asked for.")
