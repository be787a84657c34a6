"""Many connections at once: one payment, one effect, and what happens without the guard."""

import threading
import time
from collections import Counter

import pytest
from django.db import connection, transaction

from bookings.actions import cancellation
from bookings.tests.factories import make_booking
from common.clock import shift
from common.tests.racing import at_once
from jobs.models import Job
from jobs.testing import run_due
from mail.models import Message
from payments.actions import inbox, reconciling, repayments
from payments.constants import Status
from payments.errors import ExceedsRefundable
from payments.models import LedgerTransaction, Payment, PaymentEvent, Refund
from payments.tests.factories import (
    BY,
    begin,
    creates,
    deliver,
    deliver_all,
    ledger_sums,
    make_payment,
    pay,
    post_intent,
    sdk,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.concurrency]
THREADS = 16


def test_sixteen_clicks_make_one_intent(twin):
    booking = make_booking()
    twin.control(latency_ms=100)
    answers = at_once(*[lambda: post_intent(booking)] * THREADS)
    assert Counter(answer.status_code for answer in answers) == {201: 1, 200: 15}
    assert len({answer.json()["client_secret"] for answer in answers}) == 1
    assert Payment.objects.count() == 1
    assert creates(twin) == 1


def test_sixteen_requests_with_one_key_make_one_intent(twin):
    booking = make_booking()
    twin.control(latency_ms=100)
    headers = {"HTTP_IDEMPOTENCY_KEY": "click-1"}
    answers = at_once(*[lambda: post_intent(booking, headers)] * THREADS)
    first = [one for one in answers if one.status_code == 201 and "Idempotent-Replayed" not in one]
    others = [one for one in answers if one not in first]
    assert len(first) == 1
    assert {one.status_code for one in others} <= {201, 409}
    assert {one.json()["code"] for one in others if one.status_code == 409} <= {"request_in_progress"}
    assert (Payment.objects.count(), creates(twin)) == (1, 1)
    again = post_intent(booking, headers)
    assert (again.status_code, again["Idempotent-Replayed"], again.json()) == (201, "true", first[0].json())


def test_without_the_live_constraint_there_would_be_sixteen(twin):
    """The negative control: rows that the constraint does not cover are inserted by every racer."""
    booking = make_booking()
    numbers = iter(range(1, THREADS + 1))
    at_once(*[lambda n=n: make_payment(booking, attempt=n, is_current=False) for n in numbers])
    assert Payment.objects.count() == THREADS


def test_sixteen_deliveries_of_one_event_are_one_effect(twin):
    booking = make_booking()
    pay(twin, begin(booking))
    (event,) = twin.events("payment_intent.succeeded")
    answers = at_once(*[lambda: deliver(event)] * THREADS)
    assert Counter(answer.json()["duplicate"] for answer in answers) == {False: 1, True: 15}
    assert Job.objects.filter(kind="payments.apply_event").count() == 1
    run_due()
    assert (LedgerTransaction.objects.filter(kind="capture").count(), Payment.objects.get().status) == (
        1,
        Status.SUCCEEDED,
    )


def test_sixteen_workers_on_one_event_are_one_effect(twin):
    booking = make_booking()
    payment = begin(booking)
    pay(twin, payment)
    (event,) = twin.events("payment_intent.succeeded")
    deliver(event)
    stored = PaymentEvent.objects.get()
    picture = inbox.look(event_id=stored.pk, ref=payment.provider_ref)

    def work():
        with transaction.atomic():
            inbox.process(event_id=stored.pk, picture=picture, by=BY)

    assert at_once(*[work] * THREADS) == [None] * THREADS
    booking.refresh_from_db()
    assert booking.paid_amount == 75_000
    assert ledger_sums() == {"clearing:stripe:KES": 75_000, "revenue:bookings": -75_000}
    assert Message.objects.filter(template="payments/receipt").count() == 1


def test_two_workers_refund_a_cancelled_booking_once(twin):
    booking = make_booking()
    pay(twin, begin(booking))
    deliver_all(twin)
    cancellation.cancel(booking_id=booking.pk, by=BY)
    results = at_once(*[lambda: repayments.refund_cancelled(booking_id=booking.pk, by=BY)] * 8)
    assert sorted(results) == [0] * 7 + [1]
    assert Refund.objects.count() == 1
    assert twin.control()["objects"]["refunds"] == 1


def test_two_reconciliations_at_once(twin):
    booking = make_booking()
    pay(twin, begin(booking))
    twin.control(latency_ms=300)
    with shift(120):
        results = at_once(*[lambda: reconciling.run_scheduled(window_hours=3, by=BY)] * 2)
    assert sorted(report is None for report in results) == [False, True]
    assert Payment.objects.get().status == Status.SUCCEEDED
    assert LedgerTransaction.objects.filter(kind="capture").count() == 1


def test_no_transaction_is_open_while_the_provider_is_asked(twin):
    booking = make_booking()
    twin.control(latency_ms=2000)
    seen = []

    def watch():
        deadline = time.monotonic() + 10
        while not creates(twin) and time.monotonic() < deadline:
            time.sleep(0.01)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM pg_stat_activity"
                " WHERE datname = current_database() AND state LIKE 'idle in transaction%'"
            )
            seen.append(cursor.fetchone()[0])

    answer, _ = at_once(lambda: post_intent(booking), watch)
    assert answer.status_code == 201
    assert seen == [0]


def refund_of(payment):
    wish = repayments.Wish(payment_id=payment.pk, amount=400, reason="duplicate")
    try:
        return repayments.create(wish=wish, by=BY).state
    except ExceedsRefundable as refusal:
        return refusal.code


@pytest.fixture
def thousand(twin):
    """A payment of which 1000 minor units can be paid back."""
    booking = make_booking()
    pay(twin, begin(booking))
    deliver_all(twin)
    payment = Payment.objects.get()
    sdk(twin).v1.refunds.create({"payment_intent": payment.provider_ref, "amount": 74_000})
    deliver_all(twin)
    return Payment.objects.get()


def test_sixteen_refunds_of_four_hundred_of_a_thousand_are_two(twin, thousand):
    found = Counter(at_once(*[lambda: refund_of(thousand)] * THREADS))
    assert found == {"succeeded": 2, "exceeds_refundable": 14}
    thousand.refresh_from_db()
    assert (thousand.amount_refunded, thousand.amount_refund_pending) == (74_800, 0)
    assert Refund.objects.filter(amount=400, state="succeeded").count() == 2
    assert twin.control()["calls"]["POST /v1/refunds"] == 3


def test_without_the_lock_there_would_be_more(twin, thousand, monkeypatch):
    """The negative control: all read what is left before anyone has reserved it; only the provider still says no."""
    barrier = threading.Barrier(THREADS, timeout=20)
    checked = repayments._checked

    def late(*args):
        amount = checked(*args)
        barrier.wait()
        return amount

    monkeypatch.setattr(repayments, "_checked", late)
    monkeypatch.setattr(repayments.locks, "payment", lambda payment_id: Payment.objects.get(pk=payment_id))
    monkeypatch.setattr(repayments, "_attempt", lambda call, *, by: None)
    found = Counter(at_once(*[lambda: refund_of(thousand)] * THREADS))
    assert found == {"requested": THREADS}
    assert Refund.objects.filter(amount=400).count() == THREADS
