"""What payments write: confirmation, late money, holds that a payment extends, refunds."""

from datetime import timedelta

import pytest
from django.db import transaction

from audit.models import AuditEvent
from bookings import pricing, selectors
from bookings.actions import payments
from bookings.constants import Status
from bookings.models import Booking
from bookings.tests.factories import make_booking, make_offer, slot_start, with_status
from common.actor import Actor
from common.clock import db_now, shift
from mail.models import Message

pytestmark = pytest.mark.django_db
STRIPE = Actor.provider("stripe")


def pay(booking, amount=75_000, purpose="deposit"):
    with transaction.atomic():
        outcome = payments.record_success(
            booking_id=booking.pk, amount=amount, purpose=purpose, by=STRIPE, now=db_now()
        )
    booking.refresh_from_db()
    return outcome


def expired(booking):
    return with_status(booking, Status.EXPIRED)


@pytest.mark.parametrize(
    ("price", "percent", "currency", "wanted"),
    [
        (250_000, 30, "KES", 75_000),
        (250_001, 30, "KES", 75_100),
        (100, 1, "KES", 100),
        (50, 50, "KES", 50),
        (999, 33, "JPY", 330),
        (10_000, 0, "KES", 0),
        (10_000, 100, "KES", 10_000),
        (0, 30, "KES", 0),
    ],
)
def test_deposits(price, percent, currency, wanted):
    assert pricing.deposit(price, percent=percent, currency=currency) == wanted


@pytest.mark.parametrize(
    ("percent", "wanted"), [(30, (75_000, "deposit")), (0, (250_000, "full")), (100, (250_000, "full"))]
)
def test_what_is_due_first(percent, wanted):
    due = selectors.due(make_booking(make_offer(deposit_percent=percent)))
    assert (due.amount, due.purpose) == wanted


def test_the_first_payment_confirms():
    booking = make_booking()
    assert pay(booking) == "confirmed"
    assert (booking.status, booking.paid_amount, booking.hold_expires_at) == ("confirmed", 75_000, None)
    assert selectors.due(booking) == selectors.Due(175_000, "KES", "balance")
    assert selectors.is_payable(booking, now=db_now())
    assert selectors.money_state(booking) == "deposit_paid"
    event = AuditEvent.objects.get(action="booking.confirmed")
    assert (event.actor_kind, event.actor_id) == ("provider", "stripe")
    assert Message.objects.filter(template="bookings/confirmed").count() == 1


def test_the_balance_pays_the_rest_without_another_mail():
    booking = make_booking()
    pay(booking)
    assert pay(booking, 175_000, "balance") == "confirmed"
    assert (booking.paid_amount, selectors.outstanding(booking)) == (250_000, 0)
    assert not selectors.is_payable(booking, now=db_now())
    assert selectors.money_state(booking) == "paid"
    assert Message.objects.filter(template="bookings/confirmed").count() == 1


def test_money_after_the_hold_confirms_while_the_seat_is_still_its_own():
    booking = make_booking()
    with shift(1000):
        assert not selectors.is_payable(booking, now=db_now())
        assert pay(booking) == "confirmed"
    assert booking.status == "confirmed"


def test_late_money_takes_the_seat_back_if_it_is_free():
    offer = make_offer(capacity=2)
    booking = expired(make_booking(offer))
    second = make_booking(offer)
    assert second.seat == booking.seat == 1
    assert pay(booking) == "confirmed"
    assert (booking.status, booking.seat) == ("confirmed", 2)


def test_late_money_for_a_taken_seat_waits_for_staff():
    offer = make_offer()
    booking = expired(make_booking(offer))
    make_booking(offer)
    messages = Message.objects.count()
    assert pay(booking) == "needs_review"
    assert (booking.status, booking.paid_amount, booking.review_reason) == ("expired", 75_000, "seat_gone")
    assert list(selectors.bookings_needing_review()) == [booking]
    assert selectors.money_state(booking) == "needs_review"
    assert AuditEvent.objects.filter(action="booking.needs_review").count() == 1
    assert Message.objects.count() == messages


def test_late_money_takes_a_seat_whose_own_hold_has_run_out():
    offer = make_offer()
    booking = expired(make_booking(offer))
    other = make_booking(offer)
    with shift(901):
        assert pay(booking) == "confirmed"
    other.refresh_from_db()
    assert other.status == "expired"


def test_money_after_the_start_waits_for_staff():
    booking = expired(make_booking(make_offer(), slot_start(days=1)))
    with shift(3 * 86_400):
        assert pay(booking) == "needs_review"
    assert booking.review_reason == "too_late"


@pytest.mark.parametrize("status", ["requested", "cancelled", "declined", "no_show"])
def test_money_for_what_is_not_open_waits_for_staff(status):
    booking = with_status(make_booking(), status)
    assert pay(booking) == "needs_review"
    assert (booking.status, booking.paid_amount, booking.review_reason) == (status, 75_000, "closed")


@pytest.mark.parametrize(("amount", "purpose"), [(74_999, "deposit"), (250_000, "full"), (74_999, "balance")])
def test_another_amount_or_purpose_waits_for_staff(amount, purpose):
    booking = make_booking()
    assert pay(booking, amount, purpose) == "needs_review"
    assert (booking.status, booking.paid_amount, booking.review_reason) == ("held", amount, "amount")


def test_money_by_hand_confirms_once_it_reaches_what_is_due():
    booking = make_booking()
    assert pay(booking, 50_000, "balance") == "needs_review"
    assert pay(booking, 25_000, "balance") == "confirmed"
    booking.refresh_from_db()
    assert (booking.status, booking.paid_amount) == (Status.CONFIRMED, 75_000)


def test_all_of_it_by_hand_confirms_at_once():
    assert pay(make_booking(), 250_000, "balance") == "confirmed"


def test_more_than_the_price_waits_for_staff():
    booking = make_booking()
    pay(booking)
    assert pay(booking, 175_001, "balance") == "needs_review"
    assert (booking.status, booking.paid_amount) == ("confirmed", 250_001)


def test_the_first_processing_payment_extends_the_hold_once():
    booking = make_booking()
    with shift(600):
        now = db_now()
        with transaction.atomic():
            assert payments.extend_hold(booking_id=booking.pk, by=STRIPE, now=now)
            assert not payments.extend_hold(booking_id=booking.pk, by=STRIPE, now=now + timedelta(seconds=60))
    booking.refresh_from_db()
    assert booking.hold_expires_at == now + timedelta(seconds=900)
    assert AuditEvent.objects.filter(action="booking.hold_extended").count() == 1


def test_only_a_hold_is_extended():
    booking = with_status(make_booking(), Status.CONFIRMED)
    with transaction.atomic():
        assert not payments.extend_hold(booking_id=booking.pk, by=STRIPE, now=db_now())


def test_refunds_are_set_not_added_and_end_a_review():
    booking = with_status(make_booking(), Status.EXPIRED)
    Booking.objects.update(paid_amount=75_000, review_reason="seat_gone", refund_due_amount=75_000)
    for total, review in ((30_000, "seat_gone"), (30_000, "seat_gone"), (75_000, "")):
        with transaction.atomic():
            payments.record_refund(booking_id=booking.pk, refunded_amount=total, by=STRIPE, now=db_now())
        booking.refresh_from_db()
        assert (booking.refunded_amount, booking.review_reason) == (total, review)
    assert AuditEvent.objects.filter(action="booking.refunded").count() == 2
    assert selectors.refund_owed(booking) == 0
    assert selectors.money_state(booking) == "refunded"


def test_bookings_that_owe_refunds_are_found():
    booking = with_status(make_booking(), Status.CANCELLED)
    Booking.objects.update(paid_amount=75_000, refund_due_amount=50_000, refunded_amount=20_000)
    assert list(selectors.bookings_owing_refunds()) == [booking]
    Booking.objects.update(refunded_amount=50_000)
    assert list(selectors.bookings_owing_refunds()) == []


def test_a_failing_audit_takes_the_money_back(monkeypatch):
    booking = make_booking()

    def fail(**_):
        raise RuntimeError("audit is away")

    monkeypatch.setattr(payments, "record", fail)
    with pytest.raises(RuntimeError):
        pay(booking)
    booking.refresh_from_db()
    assert (booking.status, booking.paid_amount) == ("held", 0)
