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
from payments.providers.protocol import Capabilities, Order, RefundSnapshot, Snapshot
from payments.providers.stripe import currencies
from payments.providers.stripe.client import client
from payments.providers.stripe.constants import (
    BACKOFF_MOST_SECONDS,
    BACKOFF_SECONDS,
    INTENT_EVENTS,
    PAGE_SIZE,
    PAGE_TRIES,
)
from payments.providers.stripe.translation import (
    answer_of,
    date_of,
    reading,
    ref_of,
    refund_snapshot,
    snapshot,
    writing,
)

Page = Callable[[dict[str, Any]], Any]


class StripeProvider:
    """One account by one client."""

    name = "stripe"
    capabilities = Capabilities(lists=True, partial_refund=True, idempotency="key")

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
        """GET /v1/payment_intents/{id}."""
        with reading():
            return self._seen(self._v1.payment_intents.retrieve(ref))

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
            intent = self._v1.payment_intents.capture(ref, {}, {"idempotency_key": key})
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
        pages = _pages(lambda params: self._v1.refunds.list(cast("Any", {**params, "payment_intent": ref})))
        return [refund_snapshot(refund) for refund in pages]

    def list_changes(self, *, since: datetime, until: datetime) -> Iterator[Snapshot]:
        """GET /v1/payment_intents by creation time, newest first; holds one page in memory."""
        window = _window(since, until)
        for intent in _pages(lambda params: self._v1.payment_intents.list(cast("Any", {**params, **window}))):
            yield snapshot(intent)

    def missed(self, *, since: datetime, until: datetime) -> Iterator[str]:
        """GET /v1/events that some endpoint of ours has not answered with 2xx."""
        wanted = {**_window(since, until), "delivery_success": False, "types": list(INTENT_EVENTS)}
        for event in _pages(lambda params: self._v1.events.list(cast("Any", {**params, **wanted}))):
            yield ref_of(event["data"]["object"])

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


def _window(since: datetime, until: datetime) -> dict[str, Any]:
    return {"created": {"gte": int(since.timestamp()), "lte": int(until.timestamp())}}


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
