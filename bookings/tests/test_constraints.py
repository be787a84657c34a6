"""The database refuses nonsense by itself."""

from datetime import date, time, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.backends.postgresql.psycopg_any import DateTimeTZRange

from audit.models import AuditEvent
from bookings.actions import availability, offers
from bookings.constants import Status
from bookings.errors import RuleOverlaps
from bookings.models import AvailabilityRule, Booking, BookingResource, Closure, ServiceOffer
from bookings.tests.factories import TEST, make_booking, make_offer, make_resource, make_service, with_status
from cms.models import ContentVersion
from common.clock import db_now
from common.errors import ValidationFailed

pytestmark = pytest.mark.django_db


def refused(constraint, change):
    with pytest.raises(IntegrityError) as refusal, transaction.atomic():
        change()
    assert constraint in str(refusal.value)


BOOKING = [
    ("bookings_status_known", {"status": "lost"}),
    ("bookings_times_paired", {"ends_at": None, "resource": None, "seat": None, "occupies": None, "status": "expired"}),
    ("bookings_seat_paired", {"seat": None, "status": "expired"}),
    ("bookings_active_time_has_seat", {"seat": None, "resource": None, "occupies": None}),
    ("bookings_held_has_end", {"hold_expires_at": None}),
    ("bookings_currency_code", {"currency": "kes"}),
    ("bookings_deposit_within_price", {"deposit_amount": 250_001}),
    ("bookings_refunded_within_paid", {"refunded_amount": 1}),
    ("bookings_refund_due_within_paid", {"refund_due_amount": 1}),
    ("bookings_phone_e164", {"customer_phone": "0711"}),
    ("bookings_cancelled_paired", {"status": "cancelled"}),
    ("bookings_cancelled_paired", {"cancel_reason": "x"}),
    ("bookings_seat_positive", {"seat": 0}),
]


@pytest.mark.parametrize(("constraint", "values"), BOOKING)
def test_a_booking_that_makes_no_sense(constraint, values):
    make_booking()
    refused(constraint, lambda: Booking.objects.update(**values))


def test_a_booking_ends_after_it_starts_and_its_first_start_is_the_earliest():
    booking = make_booking()
    refused("bookings_period", lambda: Booking.objects.update(ends_at=booking.starts_at))
    later = booking.starts_at + timedelta(minutes=1)
    refused("bookings_first_start_earliest", lambda: Booking.objects.update(first_starts_at=later))


def test_a_time_without_a_seat_cannot_have_no_time_at_all():
    make_booking()
    nothing = {"starts_at": None, "ends_at": None, "first_starts_at": None, "status": "expired"}
    refused("bookings_seat_has_time", lambda: Booking.objects.update(**nothing))


@pytest.mark.parametrize("status", ["held", "requested", "confirmed"])
def test_no_seat_is_given_twice(status):
    offer = make_offer(capacity=2)
    first = with_status(make_booking(offer), status)
    second = make_booking(offer)
    overlapping = DateTimeTZRange(first.ends_at - timedelta(seconds=1), first.ends_at + timedelta(hours=1))
    refused(
        "bookings_seat_once",
        lambda: Booking.objects.filter(pk=second.pk).update(seat=1, occupies=overlapping),
    )
    touching = DateTimeTZRange(first.ends_at, first.ends_at + timedelta(hours=1))
    assert Booking.objects.filter(pk=second.pk).update(seat=1, occupies=touching) == 1


@pytest.mark.parametrize("status", ["completed", "no_show", "declined", "expired"])
def test_a_seat_that_is_over_does_not_count(status):
    offer = make_offer(capacity=2)
    with_status(make_booking(offer), status)
    assert make_booking(offer).seat == 1


def test_references_are_unique():
    offer = make_offer(capacity=2)
    one, two = make_booking(offer), make_booking(offer)
    refused("reference", lambda: Booking.objects.filter(pk=two.pk).update(reference=one.reference))


OFFER = [
    ("bookings_offer_mode_known", {"mode": "auction"}),
    ("bookings_offer_slot_has_resource", {"resource": None}),
    ("bookings_offer_duration_within_a_day", {"duration_minutes": 0}),
    ("bookings_offer_duration_within_a_day", {"duration_minutes": 1441}),
    ("bookings_offer_buffer_within_a_day", {"buffer_minutes": 1441}),
    ("bookings_offer_deposit_percent", {"deposit_percent": 101}),
    ("bookings_offer_days_ahead_positive", {"max_days_ahead": 0}),
    ("bookings_offer_currency_code", {"currency": "K3S"}),
]


@pytest.mark.parametrize(("constraint", "values"), OFFER)
def test_an_offer_that_makes_no_sense(constraint, values):
    make_offer()
    refused(constraint, lambda: ServiceOffer.objects.update(**values))


def test_a_resource_has_a_seat_and_a_closure_a_length():
    make_resource()
    refused("bookings_resource_capacity_positive", lambda: BookingResource.objects.update(capacity=0))
    now = db_now()
    refused(
        "bookings_closure_period",
        lambda: Closure.objects.create(starts_at=now, ends_at=now, created_at=now, updated_at=now),
    )


# --- opening hours ----------------------------------------------------------------------------------------------------


def rule(starts=9, ends=12, *, weekday=1, **values):
    return AvailabilityRule(weekday=weekday, starts=time(starts), ends=time(ends), **values)


def save(one):
    return availability.save_rule(rule=one, by=TEST)


def test_hours_that_touch_are_fine_and_hours_that_overlap_are_not():
    save(rule(9, 12))
    save(rule(12, 15))
    with pytest.raises(RuleOverlaps):
        save(rule(11, 13))
    assert AvailabilityRule.objects.count() == 2
    assert AuditEvent.objects.filter(action="availability.saved").count() == 2


def test_hours_for_all_and_for_one_service_may_not_overlap_but_those_of_two_services_may():
    one, two = make_service("one"), make_service("two")
    save(rule(9, 12, service=one))
    save(rule(9, 12, service=two))
    with pytest.raises(RuleOverlaps):
        save(rule(10, 11))
    with pytest.raises(RuleOverlaps):
        save(rule(10, 11, service=one))
    save(rule(10, 11, weekday=2))


def test_hours_of_other_seasons_do_not_overlap():
    save(rule(valid_until=date(2026, 12, 31)))
    save(rule(valid_from=date(2027, 1, 1)))
    with pytest.raises(RuleOverlaps):
        save(rule(valid_from=date(2026, 12, 31), valid_until=date(2026, 12, 31)))


@pytest.mark.parametrize(
    "values",
    [
        {"starts": 12, "ends": 9},
        {"starts": 9, "ends": 9},
        {"weekday": 8},
        {"valid_from": date(2027, 1, 2), "valid_until": date(2027, 1, 1)},
    ],
)
def test_hours_that_make_no_sense_are_refused(values):
    with pytest.raises(ValidationFailed):
        save(rule(**values))
    assert AvailabilityRule.objects.count() == 0


def test_changing_and_deleting_hours_is_audited():
    saved = save(rule())
    saved.ends = time(13)
    save(saved)
    event = AuditEvent.objects.filter(action="availability.saved").latest("id")
    assert (event.before, event.after) == ({"ends": "12:00:00"}, {"ends": "13:00:00"})
    availability.delete_rule(rule=saved, by=TEST)
    assert AvailabilityRule.objects.count() == 0
    assert AuditEvent.objects.filter(action="availability.deleted").count() == 1


def test_an_offer_moves_the_content_version_and_a_refused_one_does_not():
    offer = make_offer()
    before = ContentVersion.objects.get().number
    offer.price_amount = 300_000
    offers.save(offer=offer, by=TEST)
    assert AuditEvent.objects.get(action="offer.saved").after == {"price_amount": 300_000}
    assert ServiceOffer.objects.get().price_amount == 300_000
    offer.deposit_percent = 101
    with pytest.raises(ValidationFailed) as refusal:
        offers.save(offer=offer, by=TEST)
    assert [one.pointer for one in refusal.value.errors]
    assert ServiceOffer.objects.get().deposit_percent == 30
    assert ContentVersion.objects.get().number == before + 1


def test_status_values_are_those_of_the_contract():
    assert set(Status.values) == {
        "held", "requested", "confirmed", "completed", "no_show", "cancelled", "declined", "expired",
    }  # fmt: skip
