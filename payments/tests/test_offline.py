"""Money that came by hand: recorded with all that a payment brings, and given back by hand."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from accounts.models import Session
from accounts.tests.factories import staff
from audit.models import AuditEvent
from bookings.actions import cancellation
from bookings.constants import Status as BookingStatus
from bookings.selectors import money_state
from bookings.tests.factories import bearer, key, with_status
from common.clock import db_now
from common.instants import instant
from jobs.testing import run_due
from mail.models import Message
from payments.actions import repayments, sweeping
from payments.constants import RefundState, ReviewReason, Status
from payments.models import LedgerTransaction, Payment, Refund
from payments.selectors import payment_state
from payments.tests.factories import BY, begin, deliver_all, ledger_sums, pay, post_intent

pytestmark = pytest.mark.django_db
OFFLINE = "/api/payments/offline"


@pytest.fixture
def api():
    _, client = staff("Sales")
    Session.objects.update(reauth_at=db_now())
    return client


def take(client, booking, amount=75_000, headers=None, /, **values):
    body = {"booking": str(booking.pk), "amount": amount, "method": "cash", "reference": "Receipt 12"} | values
    return client.post(OFFLINE, body, format="json", **(headers or key()))


def give_back(client, payment, headers=None, /, **values):
    body = {"reason": "requested_by_customer", "receipt": "Out 3"} | values
    return client.post(f"/api/payments/{payment.pk}/refunds", body, format="json", **(headers or key()))


def test_what_is_due_at_once_confirms_the_booking(booking, api):
    at = db_now() - timedelta(hours=2)
    answer = take(api, booking, received_at=at.isoformat())
    payment = Payment.objects.get()
    booking.refresh_from_db()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": str(payment.pk), "booking": str(booking.pk), "provider": "offline", "status": "succeeded",
        "amount": 75_000, "currency": "KES", "next_action": None, "expires_at": None, "livemode": payment.livemode,
        "purpose": "deposit", "payment_state": "paid", "amount_refunded": 0,
    }  # fmt: skip
    assert (payment.method, payment.reference, instant(payment.received_at)) == ("cash", "Receipt 12", instant(at))
    assert (payment.amount_captured, payment.provider_ref, payment.attempt) == (75_000, None, 1)
    assert (booking.status, booking.paid_amount) == (BookingStatus.CONFIRMED, 75_000)
    assert ledger_sums() == {"bank": 75_000, "revenue:bookings": -75_000}
    assert Message.objects.filter(key=f"payment:{payment.pk}:receipt").count() == 1
    recorded = AuditEvent.objects.get(action="payment.offline_recorded")
    assert (recorded.actor_kind, recorded.after["method"]) == ("staff", "cash")


def test_several_are_allowed_up_to_what_is_left(booking, api):
    assert take(api, booking).json()["purpose"] == "deposit"
    assert take(api, booking, 100_000, method="bank_transfer").json()["purpose"] == "balance"
    over = take(api, booking, 75_001)
    assert (over.status_code, over.json()["code"], over.json()["quote"]["outstanding"]) == (
        409, "amount_mismatch", 75_000,
    )  # fmt: skip
    assert take(api, booking, 75_000, method="mpesa_till").status_code == 201
    booking.refresh_from_db()
    assert (booking.paid_amount, Payment.objects.count()) == (250_000, 3)
    assert list(Payment.objects.order_by("attempt").values_list("attempt", flat=True)) == [1, 2, 3]


def test_all_at_once_confirms_too(booking, api):
    assert take(api, booking, 250_000).json()["purpose"] == "balance"
    booking.refresh_from_db()
    assert (booking.status, booking.paid_amount) == (BookingStatus.CONFIRMED, 250_000)
    assert Payment.objects.get().review_reason is None


def test_less_than_what_is_due_is_looked_at_until_the_rest_comes(booking, api):
    assert take(api, booking, 50_000).json()["payment_state"] == "needs_review"
    booking.refresh_from_db()
    assert (booking.status, booking.paid_amount) == (BookingStatus.HELD, 50_000)
    assert take(api, booking, 25_000).json()["payment_state"] == "paid"
    booking.refresh_from_db()
    assert (booking.status, booking.paid_amount) == (BookingStatus.CONFIRMED, 75_000)
    assert (booking.review_reason, money_state(booking)) == ("", "deposit_paid")
    assert set(Payment.objects.values_list("review_reason", flat=True)) == {None}
    assert AuditEvent.objects.filter(action="payment.reviewed").count() == 1


def test_money_for_a_dead_booking_is_recorded_for_staff(booking, api):
    with_status(booking, BookingStatus.CANCELLED)
    assert take(api, booking).status_code == 201
    payment = Payment.objects.get()
    booking.refresh_from_db()
    assert (payment.review_reason, booking.paid_amount) == (ReviewReason.BOOKING_NOT_CONFIRMED, 75_000)
    assert booking.status == BookingStatus.CANCELLED


def test_one_key_records_once(booking, api):
    one = key()
    first, second = take(api, booking, 75_000, one), take(api, booking, 75_000, one)
    assert first.json() == second.json()
    assert second["Idempotent-Replayed"] == "true"
    assert (Payment.objects.count(), LedgerTransaction.objects.count()) == (1, 1)
    assert take(api, booking, 70_000, one).status_code == 422


@pytest.mark.parametrize(
    "values",
    [
        {"method": "barter"}, {"reference": ""}, {"reference": "x" * 121}, {"received_at": "2026-11-22"},
        {"received_at": "2999-01-01T00:00:00Z"}, {"received_at": "0026-11-22T09:00:00Z"},
        {"currency": "KES"}, {"booking": "x"},
    ],
)  # fmt: skip
def test_what_is_not_valid(booking, api, values):
    answer = take(api, booking, **values)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert Payment.objects.count() == 0


@pytest.mark.parametrize("amount", [0, -1, "75000", 1.5, True, None, 2**63])
def test_an_amount_that_is_none(booking, api, amount):
    assert take(api, booking, amount).status_code == 400
    assert Payment.objects.count() == 0


def test_who_may_not(booking, api):
    body = {"booking": str(booking.pk), "amount": 75_000, "method": "cash", "reference": "12"}
    assert APIClient().post(OFFLINE, body, format="json", **key()).status_code == 401
    assert APIClient().post(OFFLINE, body, format="json", **bearer(booking), **key()).status_code == 403
    _, auditor = staff("Auditor")
    assert auditor.post(OFFLINE, body, format="json", **key()).status_code == 403
    missing = api.post(OFFLINE, body, format="json")
    assert (missing.status_code, missing.json()["code"]) == (400, "idempotency_key_required")
    unknown = take(api, booking, booking="01980000-0000-7000-8000-000000000000")
    assert (unknown.status_code, unknown.json()["code"]) == (404, "not_found")
    assert Payment.objects.count() == 0


def test_it_goes_back_by_hand_with_a_receipt(booking, api):
    take(api, booking)
    payment = Payment.objects.get()
    without = give_back(api, payment, receipt=None)
    assert without.status_code == 400
    bare = api.post(f"/api/payments/{payment.pk}/refunds", {"reason": "duplicate"}, format="json", **key())
    assert (bare.status_code, bare.json()["errors"][0]["pointer"]) == (400, "#/receipt")
    answer = give_back(api, payment, amount=25_000)
    assert (answer.status_code, answer.json()["state"], answer.json()["amount"]) == (201, "succeeded", 25_000)
    refund = Refund.objects.get()
    assert (refund.origin, refund.provider_ref) == ("manual", "Out 3")
    payment.refresh_from_db()
    booking.refresh_from_db()
    assert (payment.amount_refunded, booking.refunded_amount, payment_state(payment)) == (
        25_000, 25_000, "partially_refunded",
    )  # fmt: skip
    assert ledger_sums() == {"bank": 50_000, "revenue:bookings": -75_000, "refunds": 25_000}
    again = give_back(api, payment, amount=1_000)
    assert (again.status_code, again.json()["errors"][0]["code"]) == (400, "taken")
    over = give_back(api, payment, amount=50_001, receipt="Out 4")
    assert (over.status_code, over.json()["refundable"]) == (409, 50_000)
    assert Refund.objects.count() == 1


def test_a_cancelled_booking_waits_for_the_receipt(booking, api):
    take(api, booking)
    cancellation.cancel(booking_id=booking.pk, by=BY)
    run_due()
    refund = Refund.objects.get()
    assert (refund.state, refund.origin, refund.amount, refund.calls.count()) == (
        RefundState.REQUESTED, "manual", 75_000, 0,
    )  # fmt: skip
    sweeping.sweep(by=BY)
    run_due()
    assert Refund.objects.count() == 1
    payment = Payment.objects.get()
    assert (payment.amount_refund_pending, payment.amount_refunded) == (75_000, 0)
    assert give_back(api, payment).json()["id"] == str(refund.pk)
    payment.refresh_from_db()
    booking.refresh_from_db()
    assert (payment.amount_refund_pending, payment.amount_refunded, booking.refunded_amount) == (0, 75_000, 75_000)
    assert repayments.record_receipt(refund_id=refund.pk, receipt="Out 9", by=BY).provider_ref == "Out 3"


def test_a_card_goes_back_before_cash_that_is_older(twin, booking, api):
    take(api, booking)
    booking.refresh_from_db()
    second = begin(booking, purpose="balance")
    pay(twin, second)
    deliver_all(twin)
    cancellation.cancel(booking_id=booking.pk, by=BY, refund_amount=200_000)
    run_due()
    assert list(Refund.objects.order_by("created_at").values_list("provider", "amount", "state")) == [
        ("stripe", 175_000, "succeeded"), ("offline", 25_000, "requested"),
    ]  # fmt: skip


def test_an_open_card_payment_is_given_up_once_cash_came(twin, booking, api):
    payment = begin(booking)
    take(api, booking)
    sweeping.sweep(by=BY)
    payment.refresh_from_db()
    assert payment.status == Status.CANCELED


def test_a_balance_that_became_smaller_is_asked_for_anew(twin, booking, api):
    take(api, booking)
    booking.refresh_from_db()
    old = begin(booking, purpose="balance")
    assert old.amount == 175_000
    take(api, booking, 100_000)
    answer = post_intent(booking, purpose="balance")
    assert (answer.status_code, answer.json()["amount"]) == (201, 75_000)
    old.refresh_from_db()
    assert (old.status, old.is_current) == (Status.CANCELED, False)


def test_it_cannot_be_cancelled_and_capturing_changes_nothing(booking, api):
    take(api, booking)
    payment = Payment.objects.get()
    refused = api.post(f"/api/payments/{payment.pk}/cancel")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_cancelable")
    assert api.post(f"/api/payments/{payment.pk}/capture").json()["status"] == "succeeded"
