"""What the one apply function does with amounts, late money and old news."""

from dataclasses import replace

import pytest
from django.db import transaction

from bookings.actions import holds
from bookings.constants import Status as BookingStatus
from bookings.models import Booking
from bookings.tests.factories import make_booking, make_offer, slot_start
from common.clock import db_now, shift
from jobs.models import Job
from mail.models import Message
from payments.actions import apply, sweeping
from payments.constants import TRANSITIONS, ReviewReason, Status
from payments.models import LedgerTransaction, Payment
from payments.providers.protocol import Snapshot
from payments.selectors import payment_state
from payments.tests.factories import BY, begin, deliver_all, ledger_sums, make_payment, pay, sdk

pytestmark = pytest.mark.django_db


def snapshot(status=Status.SUCCEEDED, **values):
    defaults = {
        "ref": "pi_1", "status": status, "raw_status": status, "amount": 75_000, "currency": "KES",
        "amount_received": 75_000 if status == Status.SUCCEEDED else 0,
        "provider_amount": 75_000 if status == Status.SUCCEEDED else 0,
        "livemode": False, "charge_ref": "ch_1", "as_of": 100,
    }  # fmt: skip
    return Snapshot(**(defaults | values))


def bring(payment, shown, **more):
    with transaction.atomic():
        return apply.apply(payment_id=payment.pk, snapshot=shown, by=BY, now=db_now(), **more)


def test_every_move_is_as_the_table_says(booking):
    allowed = {(old, new) for old, found in TRANSITIONS.items() for new in found}
    payment = make_payment(booking)
    for old in Status:
        for new in Status:
            if new == Status.CREATING:
                continue
            Payment.objects.filter(pk=payment.pk).update(status=old, client_secret=None, provider_ref="pi_1")
            with transaction.atomic():
                done = apply.apply(payment_id=payment.pk, snapshot=snapshot(new), by=BY, now=db_now())
                transaction.set_rollback(True)
            if old == new:
                assert done.payment.status == old
                assert done.outcome != apply.REFUSED
            else:
                expected = (new, apply.APPLIED) if (old, new) in allowed else (old, apply.REFUSED)
                assert (done.payment.status, done.outcome) == expected, f"{old} to {new}"


@pytest.mark.parametrize(
    ("shown", "reason"),
    [
        (snapshot(amount_received=74_999), ReviewReason.AMOUNT_MISMATCH),
        (snapshot(amount_received=80_000), ReviewReason.AMOUNT_MISMATCH),
        (snapshot(amount_received=75_000, exact=False), ReviewReason.AMOUNT_MISMATCH),
        (snapshot(currency="USD"), ReviewReason.CURRENCY_MISMATCH),
    ],
)
def test_money_that_differs_is_recorded_and_looked_at(booking, shown, reason):
    payment = bring(make_payment(booking), shown).payment
    booking.refresh_from_db()
    assert (payment.status, payment.review_reason) == (Status.SUCCEEDED, reason)
    assert payment.amount_captured == shown.amount_received
    assert payment_state(payment) == "needs_review"
    same_currency = shown.currency == "KES"
    assert booking.paid_amount == (shown.amount_received if same_currency else 0)
    assert booking.status == (BookingStatus.CONFIRMED if not shown.exact else BookingStatus.HELD)
    credit = "revenue:bookings" if same_currency else "suspense"
    assert ledger_sums() == {
        f"clearing:stripe:{shown.currency}": shown.amount_received, credit: -shown.amount_received,
    }  # fmt: skip


def test_success_without_money_posts_nothing(booking):
    payment = bring(make_payment(booking), snapshot(amount_received=0)).payment
    booking.refresh_from_db()
    assert payment.review_reason == ReviewReason.AMOUNT_MISMATCH
    assert (booking.paid_amount, LedgerTransaction.objects.count()) == (0, 0)


def test_nothing_steps_down_from_succeeded(booking):
    payment = bring(make_payment(booking), snapshot()).payment
    version = payment.lock_version
    for status in (Status.PROCESSING, Status.CANCELED, Status.REQUIRES_PAYMENT_METHOD):
        late = bring(payment, snapshot(status, as_of=200), is_event=True)
        looked = bring(payment, snapshot(status, as_of=200))
        assert (late.outcome, looked.outcome) == (apply.LATE, apply.REFUSED)
    payment.refresh_from_db()
    assert (payment.status, payment.lock_version) == (Status.SUCCEEDED, version)
    assert LedgerTransaction.objects.count() == 1
    assert Message.objects.filter(template="payments/receipt").count() == 1


@pytest.mark.parametrize("as_of", [99, 100])
def test_an_event_that_is_not_newer_asks_for_a_look(booking, as_of):
    payment = make_payment(booking, provider_version=100)
    with pytest.raises(apply.Refetch):
        bring(payment, snapshot(Status.PROCESSING, as_of=as_of), is_event=True)
    payment.refresh_from_db()
    assert payment.status == Status.REQUIRES_PAYMENT_METHOD


def test_a_look_that_was_overtaken_is_repeated(booking):
    payment = make_payment(booking)
    bring(payment, snapshot(Status.PROCESSING))
    with pytest.raises(apply.Refetch):
        bring(payment, snapshot(Status.REQUIRES_PAYMENT_METHOD), seen=payment.lock_version)


def test_another_mode_or_another_object_changes_nothing(booking):
    payment = make_payment(booking, provider_ref="pi_1")
    assert bring(payment, snapshot(livemode=True)).outcome == apply.OTHER_MODE
    assert bring(payment, replace(snapshot(), ref="pi_2")).outcome == apply.FOREIGN
    payment.refresh_from_db()
    assert (payment.status, payment.lock_version) == (Status.REQUIRES_PAYMENT_METHOD, 1)


def test_processing_extends_the_hold_once(booking):
    before = booking.hold_expires_at
    payment = make_payment(booking, expires_at=before)
    with shift(600):
        payment = bring(payment, snapshot(Status.PROCESSING)).payment
    booking.refresh_from_db()
    assert booking.hold_expires_at > before
    assert payment.expires_at == booking.hold_expires_at


def test_late_money_gets_the_time_if_it_is_free(twin, booking):
    payment = begin(booking)
    with shift(16 * 60):
        with transaction.atomic():
            assert holds.expire_due(by=BY, now=db_now()) == 1
        sweeping.sweep(by=BY)
        payment.refresh_from_db()
        assert payment.status == Status.CANCELED
        assert sdk(twin).v1.payment_intents.retrieve(payment.provider_ref).status == "canceled"
        done = bring(payment, snapshot(ref=payment.provider_ref)).payment
    booking.refresh_from_db()
    assert (done.status, done.review_reason) == (Status.SUCCEEDED, ReviewReason.PAID_AFTER_CLOSE)
    assert (booking.status, booking.paid_amount) == (BookingStatus.CONFIRMED, 75_000)


def test_late_money_for_a_time_that_is_gone_is_looked_at(twin):
    offer = make_offer()
    booking = make_booking(offer, slot_start(9))
    payment = begin(booking)
    with shift(16 * 60):
        second = make_booking(offer, booking.starts_at)
        assert second.status == BookingStatus.HELD
        pay(twin, payment)
        deliver_all(twin, "payment_intent.succeeded")
    booking.refresh_from_db()
    payment.refresh_from_db()
    assert (booking.status, booking.paid_amount) == (BookingStatus.EXPIRED, 75_000)
    assert (payment.status, payment.review_reason) == (Status.SUCCEEDED, ReviewReason.BOOKING_NOT_CONFIRMED)
    assert ledger_sums() == {"clearing:stripe:KES": 75_000, "revenue:bookings": -75_000}


def test_an_earlier_attempt_that_succeeds_late_is_a_second_payment(booking):
    first = make_payment(booking, status=Status.CANCELED, is_current=False, provider_ref="pi_1")
    second = make_payment(booking, provider_ref="pi_2")
    bring(second, snapshot(ref="pi_2", charge_ref="ch_2"))
    done = bring(first, snapshot()).payment
    booking.refresh_from_db()
    assert (done.status, done.review_reason) == (Status.SUCCEEDED, ReviewReason.DUPLICATE_PAYMENT)
    assert booking.paid_amount == 150_000
    assert ledger_sums()["clearing:stripe:KES"] == 150_000


def test_a_closed_payment_forgets_its_secret(twin, booking):
    payment = begin(booking)
    assert payment.client_secret is not None
    assert b"_secret_" not in bytes(payment.client_secret)
    done = bring(payment, snapshot(Status.CANCELED, ref=payment.provider_ref)).payment
    done.refresh_from_db()
    assert done.client_secret is None


def test_the_sweep_leaves_what_may_still_be_paid(twin, booking):
    payment = begin(booking)
    sweeping.sweep(by=BY)
    payment.refresh_from_db()
    assert payment.status == Status.REQUIRES_PAYMENT_METHOD
    assert "POST /v1/payment_intents/{id}/cancel" not in twin.control()["calls"]


def test_the_sweep_resumes_what_has_no_answer(twin, booking):
    twin.control(faults=[{"fault": "lost", "method": "POST", "path": "/v1/payment_intents", "times": 2}])
    with pytest.raises(Exception, match="does not answer"):
        begin(booking)
    with shift(61):
        sweeping.sweep(by=BY)
    payment = Payment.objects.get()
    assert payment.status == Status.REQUIRES_PAYMENT_METHOD
    assert twin.control()["objects"]["payment_intents"] == 1


def test_one_rows_trouble_does_not_stop_the_sweep(twin):
    offer = make_offer()
    broken, fine = (make_booking(offer, slot_start(hour)) for hour in (9, 11))
    make_payment(broken, provider_ref="pi_unknown", expires_at=db_now())
    payment = begin(fine)
    with shift(16 * 60):
        sweeping.sweep(by=BY)
    payment.refresh_from_db()
    assert payment.status == Status.CANCELED
    assert Booking.objects.filter(status=BookingStatus.HELD).count() == 2
    assert not Job.objects.filter(kind="mail.alert").exists()
