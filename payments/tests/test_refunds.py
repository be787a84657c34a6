"""Money that goes back: reserved, asked for, settled; and refunds made elsewhere."""

import pytest

from audit.models import AuditEvent
from bookings.actions import cancellation
from common.clock import shift
from jobs.models import Job
from jobs.testing import run_due
from payments.actions import repayments, sweeping
from payments.constants import CallState, RefundOrigin, RefundState, Status
from payments.models import Payment, ProviderCall, Refund
from payments.selectors import payment_state
from payments.tests.factories import BY, begin, deliver_all, ledger_sums, pay, sdk

pytestmark = pytest.mark.django_db
REFUNDS = "/v1/refunds"


@pytest.fixture
def paid(twin, booking):
    """A payment of KES 750 that has arrived."""
    pay(twin, begin(booking))
    deliver_all(twin)
    booking.refresh_from_db()
    return Payment.objects.get()


def cancelled(booking, amount=None):
    cancellation.cancel(booking_id=booking.pk, by=BY, refund_amount=amount)


def test_a_cancelled_booking_is_paid_back(twin, booking, paid):
    cancelled(booking)
    run_due()
    paid.refresh_from_db()
    booking.refresh_from_db()
    refund = Refund.objects.get()
    assert (refund.amount, refund.currency, refund.state, refund.origin) == (
        75_000, "KES", RefundState.SUCCEEDED, RefundOrigin.OURS,
    )  # fmt: skip
    assert (paid.amount_refunded, paid.amount_refund_pending, paid.status) == (75_000, 0, Status.SUCCEEDED)
    assert payment_state(paid) == "refunded"
    assert booking.refunded_amount == 75_000
    assert ledger_sums() == {"clearing:stripe:KES": 0, "revenue:bookings": -75_000, "refunds": 75_000}
    call = ProviderCall.objects.get(refund=refund)
    assert (call.idempotency_key, call.state) == (f"ref_{refund.pk}:refund:1", CallState.DONE)
    shown = sdk(twin).v1.refunds.retrieve(refund.provider_ref)
    assert (shown.amount, shown.reason, shown.metadata["refund_id"]) == (
        75_000, "requested_by_customer", str(refund.pk),
    )  # fmt: skip
    assert set(AuditEvent.objects.filter(target_id=str(refund.pk)).values_list("action", flat=True)) == {
        "refund.requested", "refund.succeeded",
    }  # fmt: skip


def test_asking_again_pays_nothing_back_twice(twin, booking, paid):
    cancelled(booking)
    run_due()
    assert repayments.refund_cancelled(booking_id=booking.pk, by=BY) == 0
    sweeping.sweep(by=BY)
    deliver_all(twin)
    assert Refund.objects.count() == 1
    assert twin.control()["objects"]["refunds"] == 1


def test_a_part_goes_back(twin, booking, paid):
    cancelled(booking, amount=20_000)
    run_due()
    paid.refresh_from_db()
    assert (paid.amount_refunded, payment_state(paid)) == (20_000, "partially_refunded")


def test_the_newest_payment_goes_first(twin, booking, paid):
    second = begin(booking, purpose="balance")
    pay(twin, second)
    deliver_all(twin)
    cancelled(booking, amount=200_000)
    run_due()
    assert list(Refund.objects.order_by("created_at").values_list("payment_id", "amount")) == [
        (second.pk, 175_000), (paid.pk, 25_000),
    ]  # fmt: skip
    booking.refresh_from_db()
    assert booking.refunded_amount == 200_000


@pytest.mark.parametrize("fault", ["500", "lost", "truncated", "429"])
def test_a_lost_answer_is_resumed_with_the_same_key(twin, booking, paid, fault):
    times = 1 if fault in {"429", "truncated"} else 3  # a job's SDK repeats the others twice
    twin.control(faults=[{"fault": fault, "method": "POST", "path": REFUNDS, "times": times}])
    cancelled(booking)
    run_due()
    paid.refresh_from_db()
    assert (paid.amount_refunded, paid.amount_refund_pending) == (0, 75_000)
    assert ProviderCall.objects.get(operation="refund").state in {CallState.UNKNOWN, CallState.PLANNED}
    with shift(61):
        sweeping.sweep(by=BY)
    paid.refresh_from_db()
    assert (paid.amount_refunded, paid.amount_refund_pending) == (75_000, 0)
    assert twin.control()["objects"]["refunds"] == 1


def test_a_fault_that_the_provider_repeats_is_settled_by_its_list(twin, booking, paid):
    twin.control(faults=[{"fault": "500_stored", "method": "POST", "path": REFUNDS}])
    cancelled(booking)
    run_due()
    paid.refresh_from_db()
    assert (paid.amount_refunded, Refund.objects.get().state) == (75_000, RefundState.SUCCEEDED)
    assert twin.control()["objects"]["refunds"] == 1


def test_one_that_was_made_by_a_call_whose_key_is_forgotten_stays_made(twin, booking, paid):
    twin.control(faults=[{"fault": "lost", "method": "POST", "path": REFUNDS, "times": 3}])
    cancelled(booking)
    run_due()
    twin.control(clock_offset_s=25 * 3600)
    with shift(25 * 3600):
        sweeping.sweep(by=BY)
    refund = Refund.objects.get()
    assert (refund.state, bool(refund.provider_ref)) == (RefundState.SUCCEEDED, True)
    paid.refresh_from_db()
    booking.refresh_from_db()
    assert (paid.amount_refunded, paid.amount_refund_pending, booking.refunded_amount) == (75_000, 0, 75_000)
    assert ledger_sums()["refunds"] == 75_000
    assert not Job.objects.filter(kind="mail.alert", args__code="refund_failed").exists()
    assert not AuditEvent.objects.filter(action__in=["refund.canceled", "refund.failed"]).exists()


@pytest.mark.parametrize("elsewhere", [75_000, 30_000])
def test_the_dashboard_was_faster_and_only_the_rest_goes_back(twin, booking, paid, elsewhere):
    sdk(twin).v1.refunds.create({"payment_intent": paid.provider_ref, "amount": elsewhere})
    cancelled(booking)
    run_due()
    ours = Refund.objects.filter(origin=RefundOrigin.OURS).order_by("created_at").values_list("state", "amount")
    rest = 75_000 - elsewhere
    assert list(ours) == [(RefundState.CANCELED, 75_000), *([(RefundState.SUCCEEDED, rest)] if rest else [])]
    paid.refresh_from_db()
    booking.refresh_from_db()
    assert (paid.amount_refunded, paid.amount_refund_pending, booking.refunded_amount) == (75_000, 0, 75_000)
    assert not Job.objects.filter(kind="mail.alert", args__code="refund_failed").exists()
    sweeping.sweep(by=BY)
    run_due()
    assert sum(one.amount for one in sdk(twin).v1.refunds.list({"payment_intent": paid.provider_ref}).data) == 75_000


def test_a_refused_refund_is_not_tried_again(twin, booking, paid):
    Payment.objects.update(provider_ref="pi_gone")
    cancelled(booking)
    run_due()
    refund = Refund.objects.get(origin=RefundOrigin.OURS)
    assert refund.state == RefundState.FAILED
    assert "pi_gone" in refund.failure_reason
    paid.refresh_from_db()
    assert paid.amount_refund_pending == 0
    assert Job.objects.filter(kind="mail.alert", args__code="refund_failed").count() == 1
    sweeping.sweep(by=BY)
    run_due()
    assert Refund.objects.filter(origin=RefundOrigin.OURS).count() == 1


def test_a_refund_from_the_dashboard_is_recorded_once(twin, booking, paid):
    sdk(twin).v1.refunds.create({"payment_intent": paid.provider_ref, "amount": 30_000, "reason": "duplicate"})
    deliver_all(twin)
    deliver_all(twin)
    refund = Refund.objects.get()
    assert (refund.amount, refund.origin, refund.reason, refund.state) == (
        30_000, RefundOrigin.EXTERNAL, "duplicate", RefundState.SUCCEEDED,
    )  # fmt: skip
    paid.refresh_from_db()
    booking.refresh_from_db()
    assert (paid.amount_refunded, booking.refunded_amount) == (30_000, 30_000)
    assert ledger_sums()["clearing:stripe:KES"] == 45_000


def test_a_refund_that_is_told_before_its_payment(twin, booking):
    payment = begin(booking)
    pay(twin, payment)
    sdk(twin).v1.refunds.create({"payment_intent": payment.provider_ref})
    deliver_all(twin, "charge.refunded")
    payment.refresh_from_db()
    assert (payment.status, payment.amount_captured, payment.amount_refunded) == (Status.SUCCEEDED, 75_000, 75_000)
    deliver_all(twin)
    assert ledger_sums() == {"clearing:stripe:KES": 0, "revenue:bookings": -75_000, "refunds": 75_000}


def test_nothing_is_asked_for_where_nothing_was_paid(twin, booking):
    begin(booking)
    cancelled(booking)
    run_due()
    assert Refund.objects.count() == 0
    assert not Job.objects.filter(kind="payments.refund_cancelled").exists()
