"""The adapter by itself: its settings, its errors, its lists; against a real sandbox too where there is a key."""

import os
import uuid
from datetime import UTC, datetime, timedelta

import pytest
import stripe

from payments.providers import errors
from payments.providers.protocol import Order
from payments.providers.stripe import adapter, client, pages, version
from payments.providers.stripe.constants import (
    DISPUTE_EVENTS,
    HANDLED_EVENTS,
    INTENT_EVENTS,
    MISSABLE_EVENTS,
    PAYOUT_EVENTS,
    REFUND_EVENTS,
)
from payments.tests.factories import sdk

WINDOW = {"since": datetime(2020, 1, 1, tzinfo=UTC), "until": datetime(2040, 1, 1, tzinfo=UTC)}


def order(**values):
    payment_id = uuid.uuid4()
    defaults = {
        "payment_id": payment_id, "booking_id": payment_id, "purpose": "deposit", "attempt": 1, "amount": 5000,
        "currency": "USD", "description": "B-1 Workshop",
    }  # fmt: skip
    return Order(**(defaults | values))


class TestSettings:
    @pytest.mark.parametrize(("background", "retries"), [(False, 1), (True, 2)])
    def test_a_worker_is_held_for_seconds_not_minutes(self, twin, background, retries):
        used = client.client(background=background)
        assert used._requestor._options.max_network_retries == retries
        assert used._requestor._get_http_client()._timeout == (3.05, 15)

    def test_the_version_is_the_sdks(self, twin):
        assert version.API_VERSION == stripe.api_version == "2026-10-28.endive"
        answer = client.client(background=False).v1.payment_intents.list().last_response
        assert answer.headers["Stripe-Version"] == stripe.api_version

    def test_what_is_listened_to(self):
        assert {
            "payment_intent.succeeded", "payment_intent.processing", "payment_intent.payment_failed",
            "payment_intent.canceled", "payment_intent.requires_action", "payment_intent.amount_capturable_updated",
        } == set(INTENT_EVENTS)  # fmt: skip
        assert {
            "charge.refunded", "refund.created", "refund.updated", "refund.failed", "charge.refund.updated",
        } == set(REFUND_EVENTS)  # fmt: skip
        assert {
            "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
            "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated",
        } == set(DISPUTE_EVENTS)  # fmt: skip
        assert {"payout.paid", "payout.failed", "payout.reconciliation_completed"} == set(PAYOUT_EVENTS)
        assert set(MISSABLE_EVENTS) < HANDLED_EVENTS
        assert len(HANDLED_EVENTS) == 19


class TestErrors:
    def test_each_fault_is_one_of_the_family(self, twin):
        provider = adapter.adapter(background=False)
        for fault, expected in (
            ("429", errors.Unavailable), ("lost", errors.OutcomeUnknown), ("500", errors.OutcomeUnknown),
            ("truncated", errors.OutcomeUnknown), ("500_stored", errors.OutcomeUnknown),
        ):  # fmt: skip
            twin.control(faults=[{"fault": fault, "method": "POST", "times": 2}])
            with pytest.raises(expected):
                provider.create(order(), key=str(uuid.uuid4()))
            twin.control(faults=[])

    def test_what_is_certain_is_not_asked_again(self, twin, settings):
        provider = adapter.adapter(background=True)
        with pytest.raises(errors.NotFound):
            provider.fetch("pi_none")
        with pytest.raises(errors.InvalidRequest) as caught:
            provider.create(order(amount=1), key="k")
        assert (caught.value.code, caught.value.retry) == ("amount_too_small", False)
        settings.STRIPE_SECRET = "sk_live_wrong"
        with pytest.raises(errors.InvalidRequest):
            adapter.adapter(background=True).fetch("pi_none")

    def test_a_429_says_how_long_to_wait(self, twin):
        twin.control(faults=[{"fault": "429", "method": "POST"}])
        with pytest.raises(errors.Unavailable) as caught:
            adapter.adapter(background=False).create(order(), key="k")
        assert (caught.value.retry_after, caught.value.answer.http_status) == (1.0, 429)

    def test_the_background_is_patient_with_429_and_a_request_is_not(self, twin):
        made = adapter.adapter(background=False).create(order(), key="k")
        twin.control(faults=[{"fault": "429", "method": "GET", "times": 2}])
        assert adapter.adapter(background=True).fetch(made.ref).ref == made.ref
        twin.control(faults=[{"fault": "429", "method": "GET", "times": 2}])
        with pytest.raises(errors.Unavailable):
            adapter.adapter(background=False).fetch(made.ref)


class TestLists:
    @pytest.fixture
    def small_pages(self, monkeypatch):
        monkeypatch.setattr(pages, "PAGE_SIZE", 2)

    def test_what_appears_while_paging_neither_crashes_nor_shifts(self, twin, small_pages):
        provider = adapter.adapter(background=True)
        made = [provider.create(order(), key=str(number)).ref for number in range(5)]
        changes = provider.list_changes(**WINDOW)
        seen = [next(changes).ref]
        provider.create(order(), key="late")
        seen += [one.ref for one in changes]
        assert seen == made[::-1]

    def test_what_vanishes_while_paging_is_stepped_over(self, twin, small_pages):
        provider = adapter.adapter(background=True)
        made = [provider.create(order(), key=str(number)).ref for number in range(5)]
        changes = provider.list_changes(**WINDOW)
        seen = [next(changes).ref, next(changes).ref]
        twin._service.store.remove("payment_intents", seen[1])  # the mark of the next page
        assert [*seen, *(one.ref for one in changes)] == made[::-1]

    def test_a_page_that_fails_goes_on_where_it_was(self, twin, small_pages):
        provider = adapter.adapter(background=True)
        made = [provider.create(order(), key=str(number)).ref for number in range(5)]
        changes = provider.list_changes(**WINDOW)
        seen = [next(changes).ref, next(changes).ref]
        twin.control(faults=[{"fault": "503", "method": "GET", "times": 3}, {"fault": "429", "method": "GET"}])
        assert [*seen, *(one.ref for one in changes)] == made[::-1]


@pytest.fixture
def sandbox(settings):
    """The adapter on a real test account."""
    settings.STRIPE_SECRET = os.environ["STRIPE_TEST_KEY"]
    settings.STRIPE_API_BASE = ""
    settings.PAYMENTS_MODE = "test"
    assert settings.STRIPE_SECRET.startswith(("sk_test_", "rk_test_"))
    return adapter.adapter(background=True)


def pay(provider_sdk, ref, card):
    params = {"payment_method": card, "return_url": "https://example.org/"}
    return provider_sdk.v1.payment_intents.confirm(ref, params)


def the_story(provider, provider_sdk):
    """What the core asks of a provider, from the first call to the last; the same on the twin and on a sandbox."""
    began = datetime.now(UTC) - timedelta(minutes=5)
    wanted, key = order(), f"live-{uuid.uuid4()}"
    made = provider.create(wanted, key=key)
    assert provider.create(wanted, key=key).ref == made.ref
    assert (made.status, made.amount, made.currency, made.livemode) == (
        "requires_payment_method", 5000, "USD", False,
    )  # fmt: skip
    with pytest.raises(stripe.CardError):
        pay(provider_sdk, made.ref, "pm_card_chargeDeclined")
    assert provider.fetch(made.ref).error_code == "generic_decline"
    pay(provider_sdk, made.ref, "pm_card_visa")
    paid = provider.fetch(made.ref)
    assert (paid.status, paid.amount_received) == ("succeeded", 5000)
    assert paid.entry is None or paid.entry.net == paid.entry.amount - paid.entry.fee
    refund_id = uuid.uuid4()
    refund = provider.refund(
        made.ref, refund_id=refund_id, amount=1000, currency="USD", reason="requested_by_customer", key=f"{key}-r"
    )
    assert (refund.amount, refund.payment_ref) == (1000, made.ref)
    assert [one.ref for one in provider.refunds_of(made.ref)] == [refund.ref]
    assert provider.disputes_of(made.ref) == []
    until = datetime.now(UTC) + timedelta(minutes=5)
    found = provider.find(wanted.payment_id, since=began, until=until)
    assert found is not None
    assert found.ref == made.ref
    other = provider.create(order(), key=f"{key}-2")
    assert provider.cancel(other.ref, key=f"{key}-c").status == "canceled"
    with pytest.raises(errors.InvalidRequest):
        provider.cancel(made.ref, key=f"{key}-d")
    with pytest.raises(errors.NotFound):
        provider.fetch("pi_doesnotexist")


def test_the_story_on_the_twin(twin):
    the_story(adapter.adapter(background=True), sdk(twin))


@pytest.mark.live_sandbox
@pytest.mark.skipif("STRIPE_TEST_KEY" not in os.environ, reason="STRIPE_TEST_KEY is not set")
def test_the_story_on_a_real_sandbox(sandbox):
    the_story(sandbox, stripe.StripeClient(os.environ["STRIPE_TEST_KEY"]))
