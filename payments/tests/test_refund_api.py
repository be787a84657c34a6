"""POST and GET …/refunds: who may, what is refused, and what became of the money."""

from datetime import timedelta

import pytest
from rest_framework.test import APIClient

from accounts.models import Session
from accounts.tests.factories import staff
from audit.models import AuditEvent
from bookings.constants import Status as BookingStatus
from bookings.tests.factories import bearer, key
from common.clock import db_now, shift
from jobs.models import Job
from jobs.testing import run_due
from payments.actions import sweeping
from payments.constants import ReviewReason, Status
from payments.models import Dispute, Payment, ProviderCall, Refund
from payments.selectors import payment_state, refundable
from payments.tests.factories import (
    BY,
    begin,
    deliver_all,
    ledger_sums,
    make_dispute,
    make_payment,
    make_refund,
    pay,
    sdk,
)

pytestmark = pytest.mark.django_db
REFUND_CALLS = "POST /v1/refunds"


@pytest.fixture
def api():
    _, client = staff("Sales")
    Session.objects.update(reauth_at=db_now())
    return client


@pytest.fixture
def paid(twin, booking):
    pay(twin, begin(booking))
    deliver_all(twin)
    return Payment.objects.get()


def ask(client, payment, headers=None, /, **body):
    values = {"reason": "requested_by_customer"} | body
    return client.post(f"/api/payments/{payment.pk}/refunds", values, format="json", **(headers or key()))


def refunds_asked(twin):
    return twin.control()["calls"].get(REFUND_CALLS, 0)


def test_all_of_it(twin, booking, paid, api):
    answer = ask(api, paid, note="Ill")
    refund = Refund.objects.get()
    assert answer.status_code == 201
    assert answer.json() == {
        "id": str(refund.pk), "payment": str(paid.pk), "state": "succeeded", "amount": 75_000, "currency": "KES",
        "reason": "requested_by_customer", "created_at": refund.created_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }  # fmt: skip
    paid.refresh_from_db()
    booking.refresh_from_db()
    assert (paid.amount_refunded, paid.amount_refund_pending, booking.refunded_amount) == (75_000, 0, 75_000)
    assert (refund.note, refund.requested_by.split(":")[0], refund.origin) == ("Ill", "staff", "ours")
    assert ledger_sums() == {"clearing:stripe:KES": 0, "revenue:bookings": -75_000, "refunds": 75_000}
    asked = AuditEvent.objects.get(action="refund.requested")
    assert (asked.actor_kind, asked.after["amount"]) == ("staff", 75_000)


def test_in_parts_and_never_more(twin, paid, api):
    assert ask(api, paid, amount=30_000).json()["state"] == "succeeded"
    refused = ask(api, paid, amount=45_001)
    assert (refused.status_code, refused.json()["code"], refused.json()["refundable"]) == (
        409, "exceeds_refundable", 45_000,
    )  # fmt: skip
    assert refunds_asked(twin) == 1
    assert ask(api, paid, amount=45_000).status_code == 201
    paid.refresh_from_db()
    assert (paid.amount_refunded, payment_state(paid)) == (75_000, "refunded")
    again = ask(api, paid)
    assert (again.status_code, again.json()["code"], again.json()["refundable"]) == (409, "exceeds_refundable", 0)
    assert (refunds_asked(twin), Refund.objects.count()) == (2, 2)


def test_one_key_pays_back_once(twin, paid, api):
    one = key()
    first, second = ask(api, paid, one, amount=1_000), ask(api, paid, one, amount=1_000)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second["Idempotent-Replayed"] == "true"
    assert first.json() == second.json()
    assert refunds_asked(twin) == 1
    other = ask(api, paid, one, amount=2_000)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")


def test_a_key_is_required(paid, api):
    answer = api.post(f"/api/payments/{paid.pk}/refunds", {"reason": "duplicate"}, format="json")
    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_required")
    assert Refund.objects.count() == 0


@pytest.mark.parametrize(
    "body",
    [
        {"amount": 0}, {"amount": -1}, {"amount": "1000"}, {"amount": 1.5}, {"amount": True}, {"amount": None},
        {"amount": 2**63}, {"reason": "bored"}, {"reason": ""}, {"note": "x" * 501}, {"currency": "KES"},
        {"receipt": "7"},
    ],
)  # fmt: skip
def test_what_is_not_valid(twin, paid, api, body):
    answer = ask(api, paid, **body)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert (Refund.objects.count(), refunds_asked(twin)) == (0, 0)


def test_a_password_given_lately_is_wanted(twin, paid, api):
    Session.objects.update(reauth_at=db_now() - timedelta(seconds=301))
    answer = ask(api, paid)
    assert (answer.status_code, answer.json()["code"]) == (403, "reauth_required")
    assert (Refund.objects.count(), refunds_asked(twin)) == (0, 0)


def test_who_may_not(twin, booking, paid):
    customer = APIClient().post(
        f"/api/payments/{paid.pk}/refunds", {"reason": "duplicate"}, format="json", **bearer(booking), **key()
    )
    assert (customer.status_code, customer.json()["code"]) == (403, "permission_denied")
    nobody = ask(APIClient(), paid)
    assert nobody.status_code == 401
    _, others = staff("Auditor")
    Session.objects.update(reauth_at=db_now())
    assert ask(others, paid).status_code == 403
    assert (Refund.objects.count(), refunds_asked(twin)) == (0, 0)


def test_an_unknown_payment(api, booking):
    answer = ask(api, booking)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize("status", [Status.CREATING, Status.PROCESSING, Status.CANCELED])
def test_what_has_not_arrived(twin, booking, api, status):
    answer = ask(api, make_payment(booking, status=status))
    assert (answer.status_code, answer.json()["code"], answer.json()["status"]) == (409, "not_captured", status)
    assert Refund.objects.count() == 0


def test_what_the_bank_holds(twin, booking, paid, api):
    Payment.objects.update(dispute_state="open")
    answer = ask(api, paid)
    assert (answer.status_code, answer.json()["code"]) == (409, "dispute_open")
    assert (Refund.objects.count(), refunds_asked(twin)) == (0, 0)


def test_disputed_money_is_not_refundable(booking):
    payment = make_payment(booking, status=Status.SUCCEEDED, amount_captured=1_000, amount_disputed=600)
    make_dispute(payment, amount=600)
    assert refundable(payment) == 400


def test_without_keys(settings, paid, api):
    settings.PAYMENTS_MODE = "off"
    answer = ask(api, paid)
    assert (answer.status_code, answer.json()["code"]) == (503, "payments_not_configured")
    assert Refund.objects.count() == 0


@pytest.mark.parametrize("fault", ["503", "lost", "truncated"])
def test_a_lost_answer_goes_on_by_itself(twin, paid, api, fault):
    times = 1 if fault == "truncated" else 2
    twin.control(faults=[{"fault": fault, "method": "POST", "path": "/v1/refunds", "times": times}])
    answer = ask(api, paid, amount=40_000)
    assert (answer.status_code, answer.json()["state"]) == (201, "requested")
    paid.refresh_from_db()
    assert (paid.amount_refunded, paid.amount_refund_pending) == (0, 40_000)
    over = ask(api, paid, amount=35_001)
    assert (over.status_code, over.json()["refundable"]) == (409, 35_000)
    with shift(61):
        sweeping.sweep(by=BY)
    paid.refresh_from_db()
    assert (paid.amount_refunded, paid.amount_refund_pending) == (40_000, 0)
    assert (twin.control()["objects"]["refunds"], ProviderCall.objects.filter(operation="refund").count()) == (1, 1)


def failures_told():
    return Job.objects.filter(kind="mail.alert", args__code="refund_failed").count()


@pytest.mark.parametrize(
    ("elsewhere", "wanted", "left"), [(75_000, 40_000, 0), (30_000, 50_000, 45_000), (1, None, 74_999)]
)
def test_one_that_the_dashboard_overtook(twin, booking, paid, api, elsewhere, wanted, left):
    sdk(twin).v1.refunds.create({"payment_intent": paid.provider_ref, "amount": elsewhere})
    body, headers = {"amount": wanted} if wanted else {}, key()
    for _ in range(2):
        answer = ask(api, paid, headers, **body)
        assert (answer.status_code, answer.json()["code"], answer.json()["refundable"]) == (
            409, "exceeds_refundable", left,
        )  # fmt: skip
    paid.refresh_from_db()
    booking.refresh_from_db()
    assert (paid.amount_refund_pending, paid.amount_refunded, booking.refunded_amount) == (0, elsewhere, elsewhere)
    assert sorted(Refund.objects.values_list("origin", "state", "amount")) == [
        ("external", "succeeded", elsewhere), ("ours", "canceled", wanted or 75_000),
    ]  # fmt: skip
    assert ledger_sums()["refunds"] == elsewhere
    assert AuditEvent.objects.filter(action="refund.canceled").count() == 1
    assert failures_told() == 0
    if left:
        assert ask(api, paid, amount=left).json()["state"] == "succeeded"
    deliver_all(twin)
    paid.refresh_from_db()
    assert (paid.amount_refunded, refundable(paid)) == (elsewhere + left, 0)


def test_one_that_a_dispute_overtook(twin, booking, api):
    pay(twin, begin(booking), "pm_card_createDispute")
    deliver_all(twin, "payment_intent.succeeded")
    payment = Payment.objects.get()
    Dispute.objects.all().delete()
    Payment.objects.update(dispute_state="", amount_disputed=0)
    answer = ask(api, payment, amount=40_000)
    assert (answer.status_code, answer.json()["code"]) == (409, "dispute_open")
    payment.refresh_from_db()
    assert (payment.dispute_state, payment.amount_disputed, payment.amount_refund_pending) == ("open", 75_000, 0)
    assert (Dispute.objects.count(), Refund.objects.get().state, failures_told()) == (1, "canceled", 0)


def test_one_that_the_provider_refuses_for_another_reason(twin, paid, api):
    Payment.objects.update(provider_ref="pi_gone")
    answer = ask(api, paid, amount=40_000)
    assert (answer.status_code, answer.json()["state"]) == (201, "failed")
    paid.refresh_from_db()
    assert (paid.amount_refund_pending, paid.amount_refunded) == (0, 0)
    assert failures_told() == 1


def test_one_that_is_refused_by_a_provider_that_then_goes_away(twin, paid, api):
    sdk(twin).v1.refunds.create({"payment_intent": paid.provider_ref})
    twin.control(faults=[{"fault": "500", "method": "GET", "times": 99}])
    answer = ask(api, paid, amount=40_000)
    assert (answer.status_code, answer.json()["state"]) == (201, "failed")
    paid.refresh_from_db()
    assert (paid.amount_refund_pending, paid.amount_refunded, failures_told()) == (0, 0, 1)


def test_one_that_fails_later(twin, booking, api):
    pay(twin, begin(booking))
    deliver_all(twin, "payment_intent.succeeded")
    payment = Payment.objects.get()
    Payment.objects.update(review_reason=ReviewReason.PAID_AFTER_CLOSE)
    assert ask(api, payment).json()["state"] == "succeeded"
    payment.refresh_from_db()
    booking.refresh_from_db()
    assert (payment_state(payment), booking.refunded_amount) == ("refunded", 75_000)
    twin.control(act={"do": "refund_fail", "id": Refund.objects.get().provider_ref})
    deliver_all(twin)
    payment.refresh_from_db()
    booking.refresh_from_db()
    refund = Refund.objects.get()
    assert (refund.state, bool(refund.failure_reason)) == ("failed", True)
    assert (payment.amount_refunded, payment.amount_refund_pending, booking.refunded_amount) == (0, 0, 0)
    assert (payment.review_reason, payment.review_paused) == (ReviewReason.PAID_AFTER_CLOSE, None)
    assert (booking.status, refundable(payment)) == (BookingStatus.CONFIRMED, 75_000)
    assert ledger_sums() == {"clearing:stripe:KES": 75_000, "revenue:bookings": -75_000, "refunds": 0}
    assert Job.objects.filter(kind="mail.alert", args__code="refund_failed").count() == 1
    assert AuditEvent.objects.filter(action="refund.reversed").count() == 1
    deliver_all(twin)
    assert Job.objects.filter(kind="mail.alert", args__code="refund_failed").count() == 1
    assert AuditEvent.objects.filter(action="refund.failed").count() == 1


def test_a_currency_that_the_provider_cannot_split(twin, booking, api, settings):
    payment = make_payment(
        booking, status=Status.SUCCEEDED, currency="KWD", provider_currency="KWD", amount=5_120, amount_captured=5_120
    )
    answer = ask(api, payment, amount=1_234)
    assert (answer.status_code, answer.json()["code"]) == (422, "amount_not_representable")
    assert (Refund.objects.count(), refunds_asked(twin)) == (0, 0)


def test_the_list(booking, api):
    payment = make_payment(booking, status=Status.SUCCEEDED, amount_captured=75_000)
    made = [make_refund(payment, amount=number) for number in (1, 2, 3)]
    make_refund(make_payment(booking, status=Status.SUCCEEDED, is_current=False))
    first = api.get(f"/api/payments/{payment.pk}/refunds?per_page=2").json()
    assert [one["id"] for one in first["data"]] == [str(made[2].pk), str(made[1].pk)]
    rest = api.get(first["links"]["next"]).json()
    assert [one["amount"] for one in rest["data"]] == [1]
    assert rest["links"]["next"] is None
    assert api.get(f"/api/payments/{payment.pk}/refunds?page=1").status_code == 400
    assert APIClient().get(f"/api/payments/{payment.pk}/refunds", **bearer(booking)).status_code == 403


def test_the_events(twin, booking, paid):
    _, client = staff("Auditor")
    body = client.get(f"/api/payments/{paid.pk}/events").json()
    assert {one["type"] for one in body["data"]} >= {"payment_intent.succeeded"}
    assert set(body["data"][0]) == {
        "id", "event_id", "type", "object_id", "api_version", "state", "outcome", "received_at",
    }  # fmt: skip
    assert APIClient().get(f"/api/payments/{paid.pk}/events", **bearer(booking)).status_code == 403
    assert APIClient().get(f"/api/payments/{paid.pk}/events").status_code == 401
    run_due()
