"""Many connections at once: one seat is given once, and money is never lost."""

import threading
from collections import Counter

import pytest
from django.db import IntegrityError, transaction
from rest_framework.test import APIClient

from bookings import locks, selectors
from bookings.actions import cancellation, creation, holds, payments
from bookings.constants import Status
from bookings.models import Booking
from bookings.tests.factories import (
    TEST,
    VISITOR,
    body,
    key,
    make_booking,
    make_offer,
    order,
    slot_start,
    with_status,
)
from common.actor import Actor
from common.clock import db_now, shift
from common.tests.racing import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.concurrency]
THREADS = 20
STRIPE = Actor.provider("stripe")


def clients_want(offer, starts_at):
    def post():
        return APIClient().post("/api/bookings", body(offer, starts_at), format="json", **key()).status_code

    return Counter(at_once(*[post] * THREADS))


def test_twenty_clients_race_for_one_slot():
    offer = make_offer()
    assert clients_want(offer, slot_start()) == {201: 1, 409: THREADS - 1}
    assert Booking.objects.count() == 1


def test_with_three_seats_three_win():
    offer = make_offer(capacity=3)
    assert clients_want(offer, slot_start()) == {201: 3, 409: THREADS - 3}
    assert sorted(Booking.objects.values_list("seat", flat=True)) == [1, 2, 3]


def test_without_the_lock_the_constraint_alone_is_left(monkeypatch):
    """The negative control: the lock is what turns a collision into an answer; the constraint still holds."""
    offer = make_offer()
    monkeypatch.setattr(locks, "resource", lambda resource_id: offer.resource)
    everybody_has_looked = threading.Barrier(2)
    look = selectors.slot_at

    def slow_look(*args, **kwargs):
        found = look(*args, **kwargs)
        everybody_has_looked.wait(timeout=30)
        return found

    monkeypatch.setattr(selectors, "slot_at", slow_look)
    wanted = order(offer, slot_start())
    results = at_once(*[lambda: creation.create(order=wanted, by=VISITOR)] * 2)
    assert sorted(type(one).__name__ for one in results) == ["Booking", "IntegrityError"]
    [error] = [one for one in results if isinstance(one, IntegrityError)]
    assert "bookings_seat_once" in str(error)
    assert Booking.objects.count() == 1


def test_the_same_key_sent_twenty_times_is_one_booking():
    offer = make_offer(capacity=5)
    header, wanted = key(), body(offer, slot_start())
    results = at_once(
        *[lambda: APIClient().post("/api/bookings", wanted, format="json", **header).status_code] * THREADS
    )
    assert set(results) <= {201, 409}
    assert Booking.objects.count() == 1


def pay(booking):
    with transaction.atomic():
        return payments.record_success(booking_id=booking.pk, amount=75_000, purpose="deposit", by=STRIPE, now=db_now())


def expire():
    with transaction.atomic():
        return holds.expire_due(by=TEST, now=db_now())


@pytest.mark.parametrize("attempt", range(5))
def test_money_that_arrives_while_the_hold_is_expired_is_never_lost(attempt):
    offer = make_offer()
    booking = make_booking(offer)
    with shift(901):
        results = at_once(
            lambda: pay(booking),
            expire,
            lambda: creation.create(order=order(offer, booking.starts_at), by=VISITOR),
        )
    booking.refresh_from_db()
    assert booking.paid_amount == 75_000
    assert results[0] in {"confirmed", "needs_review"}
    assert not isinstance(results[1], Exception)
    holders = Booking.objects.filter(status__in=["held", "confirmed"])
    assert holders.count() == 1
    if results[0] == "confirmed":
        assert booking.status == Status.CONFIRMED
        assert type(results[2]).__name__ == "SlotTaken"
    else:
        assert (booking.status, booking.review_reason) == (Status.EXPIRED, "seat_gone")


@pytest.mark.parametrize("attempt", range(5))
def test_cancelling_against_a_payment_leaves_one_consistent_state(attempt):
    booking = make_booking()
    customer = Actor.customer(id=booking.pk)
    paid, cancelled = at_once(lambda: pay(booking), lambda: cancellation.cancel(booking_id=booking.pk, by=customer))
    booking.refresh_from_db()
    assert (booking.status, booking.paid_amount) == (Status.CANCELLED, 75_000)
    assert isinstance(cancelled, Booking)
    if paid == "confirmed":  # the money came first: all of it goes back
        assert (booking.refund_due_amount, booking.review_reason) == (75_000, "")
    else:
        assert (paid, booking.refund_due_amount, booking.review_reason) == ("needs_review", 0, "closed")


def test_cancelling_many_times_at_once_is_one_cancellation():
    booking = with_status(make_booking(), Status.CONFIRMED)
    Booking.objects.update(paid_amount=75_000)
    customer = Actor.customer(id=booking.pk)
    results = at_once(*[lambda: cancellation.cancel(booking_id=booking.pk, by=customer)] * 8)
    assert {one.status for one in results} == {Status.CANCELLED}
    assert {one.sequence for one in results} == {1}
