"""A live payment that another one replaces, and money that was approved and waits to be taken."""

import pytest
from rest_framework.test import APIClient

from bookings.tests.factories import bearer
from payments import providers
from payments.actions import cancelling, looks
from payments.constants import CallState, Status
from payments.models import Payment, ProviderCall
from payments.providers import get as configured
from payments.providers.stripe.adapter import adapter
from payments.tests.factories import BY, begin, creates, deliver_all, ledger_sums, pay, post_intent, sdk

pytestmark = pytest.mark.django_db


@pytest.fixture
def second(twin, monkeypatch):
    """Another provider beside Stripe: the same adapter under another name."""

    def choose(name, *, background=False):
        if name != "paypal":
            return configured(name, background=background)
        found = adapter(background=background)
        found.name = "paypal"
        return found

    for module in (providers, looks):
        monkeypatch.setattr(module, "get", choose)


def test_another_provider_takes_the_unpaid_ones_place(twin, booking, second):
    first = begin(booking)
    answer = post_intent(booking, provider="paypal")
    assert (answer.status_code, answer.json()["provider"], creates(twin)) == (201, "paypal", 2)
    first.refresh_from_db()
    assert (first.status, first.is_current) == (Status.CANCELED, False)
    assert sdk(twin).v1.payment_intents.retrieve(first.provider_ref).status == "canceled"
    again = post_intent(booking, provider="paypal")
    assert (again.status_code, again.json()["id"]) == (200, answer.json()["id"])


def test_one_that_was_paid_meanwhile_is_not_replaced(twin, booking, second):
    payment = begin(booking)
    pay(twin, payment)
    answer = post_intent(booking, provider="paypal")
    assert (answer.status_code, answer.json()["code"]) == (409, "already_paid")
    payment.refresh_from_db()
    assert (payment.status, Payment.objects.count(), creates(twin)) == (Status.SUCCEEDED, 1, 1)


def test_one_in_process_is_waited_for(twin, booking, second):
    payment = begin(booking)
    Payment.objects.update(status=Status.PROCESSING)
    answer = post_intent(booking, provider="paypal")
    assert (answer.status_code, answer.json()["code"]) == (409, "payment_in_progress")
    assert (Payment.objects.get().pk, creates(twin)) == (payment.pk, 1)


def test_one_whose_provider_is_away_stays(twin, booking, second):
    begin(booking)
    twin.control(faults=[{"fault": "503", "method": "POST", "path": "/v1/payment_intents", "times": 9}])
    answer = post_intent(booking, provider="paypal")
    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")
    assert Payment.objects.get().status == Status.REQUIRES_PAYMENT_METHOD


def test_one_that_was_just_begun_is_finished_before_it_is_given_up(twin, booking, second):
    twin.control(faults=[{"fault": "lost", "method": "POST", "path": "/v1/payment_intents", "times": 2}])
    assert post_intent(booking).status_code == 503
    first = Payment.objects.get()
    answer = post_intent(booking, provider="paypal")
    assert answer.status_code == 201
    first.refresh_from_db()
    assert (first.status, Payment.objects.count()) == (Status.CANCELED, 2)


@pytest.mark.parametrize("provider", ["mpesa", "paypal"])
def test_a_provider_without_keys(twin, booking, provider):
    begin(booking)
    answer = post_intent(booking, provider=provider)
    assert (answer.status_code, answer.json()["code"]) == (503, "payments_not_configured")
    assert Payment.objects.get().status == Status.REQUIRES_PAYMENT_METHOD


def capture(booking, payment):
    return APIClient().post(f"/api/payments/{payment.pk}/capture", **bearer(booking))


@pytest.fixture
def authorized(twin, booking):
    """A payment that the customer approved and that nobody took: made so at the provider."""
    payment = begin(booking)
    made = sdk(twin).v1.payment_intents.create(
        {
            "amount": payment.amount, "currency": "kes", "capture_method": "manual", "confirm": True,
            "payment_method": "pm_card_visa", "metadata": {"payment_id": str(payment.pk)},
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )  # fmt: skip
    Payment.objects.update(provider_ref=made.id, client_secret=None)
    return Payment.objects.get()


def test_what_was_approved_is_taken_once(twin, booking, authorized):
    answer = capture(booking, authorized)
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    authorized.refresh_from_db()
    booking.refresh_from_db()
    assert (authorized.amount_captured, booking.paid_amount) == (75_000, 75_000)
    assert ledger_sums() == {"clearing:stripe:KES": 75_000, "revenue:bookings": -75_000}
    call = ProviderCall.objects.get(operation="capture")
    assert (call.idempotency_key, call.state) == (f"pay_{authorized.pk}:capture:1", CallState.DONE)
    assert capture(booking, authorized).json()["status"] == "succeeded"
    assert ProviderCall.objects.filter(operation="capture").count() == 1


def test_a_lost_capture_is_repeated_safely(twin, booking, authorized):
    twin.control(faults=[{"fault": "lost", "method": "POST", "path": "/v1/payment_intents", "times": 2}])
    answer = capture(booking, authorized)
    assert (answer.status_code, answer.json()["code"], answer.json()["id"]) == (
        503, "provider_unavailable", str(authorized.pk),
    )  # fmt: skip
    assert capture(booking, authorized).json()["status"] == "succeeded"
    booking.refresh_from_db()
    assert booking.paid_amount == 75_000


def test_what_is_not_approved_is_looked_up_and_left(twin, booking):
    payment = begin(booking)
    assert capture(booking, payment).json()["status"] == "requires_payment_method"
    pay(twin, payment)
    assert capture(booking, payment).json()["status"] == "succeeded"
    assert not ProviderCall.objects.filter(operation="capture").exists()


def test_a_cancelled_one_is_answered_as_it_is(twin, booking):
    payment = begin(booking)
    cancelling.cancel(payment_id=payment.pk, by=BY)
    assert (capture(booking, payment).status_code, capture(booking, payment).json()["status"]) == (200, "canceled")


def test_who_may_capture(twin, booking):
    payment = begin(booking)
    assert APIClient().post(f"/api/payments/{payment.pk}/capture").status_code == 401
    deliver_all(twin)
