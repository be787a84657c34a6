"""POST /api/bookings: what it makes, what it refuses, and that it happens once."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.tests.factories import staff
from audit.models import AuditEvent
from bookings import tokens
from bookings.constants import Mode, Status
from bookings.models import AvailabilityRule, Booking, Closure, ServiceOffer
from bookings.tests.factories import bearer, body, key, make_booking, make_offer, make_service, slot_start
from common.clock import db_now
from mail.models import Message

pytestmark = pytest.mark.django_db


def test_a_slot_is_held_for_fifteen_minutes_at_the_price_of_now(api):
    offer = make_offer()
    starts_at = slot_start()
    before = db_now()
    answer = api.post("/api/bookings", body(offer, starts_at, zone="Europe/Berlin", notes="Ring twice"), **key())
    assert answer.status_code == 201, answer.json()
    booking = Booking.objects.get()
    assert answer.json() == {
        "id": str(booking.pk),
        "reference": booking.reference,
        "status": "held",
        "service": {"slug": "discovery-workshop", "title": "Discovery workshop"},
        "starts_at": starts_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "ends_at": (starts_at + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "zone": "Europe/Berlin",
        "hold_expires_at": booking.hold_expires_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "quote": {"amount": 250_000, "deposit": 75_000, "due": 75_000, "currency": "KES"},
        "paid_amount": 0,
        "refunded_amount": 0,
        "customer": {"name": "Brian Mwangi", "email": "brian@example.org", "phone": "+254711000000"},
        "notes": "Ring twice",
        "sequence": 0,
        "token": tokens.make(booking),
    }
    assert answer["Location"] == f"http://testserver/api/bookings/{booking.pk}"
    assert answer["Cache-Control"] == "no-store"
    assert (booking.hold_expires_at - booking.created_at) == timedelta(seconds=900)
    assert before <= booking.created_at <= db_now()
    assert (booking.seat, booking.resource_id, booking.consent_version) == (1, offer.resource_id, "2026-11")
    assert len(booking.reference) == 8
    [event] = AuditEvent.objects.filter(action="booking.held")
    assert (event.actor_kind, event.actor_id, event.target_id) == ("customer", str(booking.pk), str(booking.pk))
    assert Message.objects.get().key == f"booking:{booking.pk}:held:0"


def test_the_first_created_body_stands_in_etag_and_later_reads_have_no_token(api):
    booking = make_booking()
    answer = api.get(f"/api/bookings/{booking.pk}", **bearer(booking))
    assert answer.status_code == 200
    assert "token" not in answer.json()
    assert answer["ETag"] == '"v1"'


def test_a_changed_price_does_not_reach_a_booking_that_stands(api):
    offer = make_offer()
    booking = make_booking(offer)
    ServiceOffer.objects.update(price_amount=999_900, deposit_percent=0, cancellation_hours=1, duration_minutes=5)
    found = api.get(f"/api/bookings/{booking.pk}", **bearer(booking)).json()
    assert found["quote"] == {"amount": 250_000, "deposit": 75_000, "due": 75_000, "currency": "KES"}
    booking.refresh_from_db()
    assert (booking.cancellation_hours, booking.duration_minutes) == (48, 60)


def test_a_price_of_zero_is_confirmed_at_once(api):
    offer = make_offer(price_amount=0)
    answer = api.post("/api/bookings", body(offer, slot_start()), **key())
    assert (answer.status_code, answer.json()["status"], answer.json()["hold_expires_at"]) == (201, "confirmed", None)
    assert Message.objects.get().template == "bookings/confirmed"


def test_a_request_needs_no_time_and_waits_for_staff(api):
    offer = make_offer(mode=Mode.REQUEST, resource=None)
    answer = api.post("/api/bookings", body(offer), **key())
    assert answer.status_code == 201
    assert (answer.json()["status"], answer.json()["starts_at"]) == ("requested", None)
    assert Message.objects.get().template == "bookings/requested"


def test_a_request_with_a_time_takes_its_seat(api):
    offer = make_offer(mode=Mode.REQUEST)
    assert api.post("/api/bookings", body(offer, slot_start()), **key()).status_code == 201
    second = api.post("/api/bookings", body(offer, slot_start()), **key())
    assert (second.status_code, second.json()["code"]) == (409, "slot_taken")


def test_a_taken_slot_names_the_three_nearest(api):
    offer = make_offer()
    make_booking(offer, slot_start(10))
    answer = api.post("/api/bookings", body(offer, slot_start(10)), **key())
    assert answer.status_code == 409
    found = answer.json()
    assert found["code"] == "slot_taken"
    wanted = [slot_start(9), slot_start(11), slot_start(12)]
    assert [one["starts_at"] for one in found["nearest"]] == [at.strftime("%Y-%m-%dT%H:%M:%SZ") for at in wanted]
    assert [one["remaining"] for one in found["nearest"]] == [1, 1, 1]
    assert Booking.objects.count() == 1


def test_capacity_is_the_number_of_seats(api):
    offer = make_offer(capacity=3)
    codes = [api.post("/api/bookings", body(offer, slot_start()), **key()).status_code for _ in range(4)]
    assert codes == [201, 201, 201, 409]
    assert sorted(Booking.objects.values_list("seat", flat=True)) == [1, 2, 3]


def off_grid(offer):
    return slot_start() + timedelta(minutes=7)


def in_the_past(offer):
    return slot_start(days=-3)


def within_notice(offer):
    ServiceOffer.objects.update(min_notice_hours=24 * 30)
    return slot_start()


def too_far(offer):
    return slot_start(days=90)


def closed(offer):
    now, start = db_now(), slot_start()
    Closure.objects.create(starts_at=start, ends_at=start + timedelta(minutes=1), created_at=now, updated_at=now)
    return start


def without_rules(offer):
    AvailabilityRule.objects.all().delete()
    return slot_start()


def before_all_time(offer):
    return datetime(1, 1, 1, tzinfo=UTC)


def after_all_time(offer):
    return datetime(9999, 12, 31, 20, 0, 0, tzinfo=UTC)


CASES = [off_grid, in_the_past, within_notice, too_far, closed, without_rules, before_all_time, after_all_time]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_a_time_that_is_not_offered_is_refused(api, case):
    offer = make_offer()
    starts_at = case(offer)
    text = starts_at.strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")
    answer = api.post("/api/bookings", body(offer) | {"starts_at": text}, **key())
    assert (answer.status_code, answer.json()["code"]) == (422, "slot_not_offered"), answer.json()
    assert Booking.objects.count() == 0
    assert Message.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"consent": False}, "#/consent", "consent_required"),
        ({"consent": "true"}, "#/consent", "invalid"),
        ({"colour": "red"}, "#/colour", "unknown_field"),
        ({"service": "nothing"}, "#/service", "unknown"),
        ({"zone": "Mars/Olympus"}, "#/zone", "invalid"),
        ({"starts_at": "2026-13-01T00:00:00Z"}, "#/starts_at", "invalid"),
        ({"starts_at": "2026-12-01T09:00:00"}, "#/starts_at", "no_zone"),
        ({"customer": {"name": "B", "email": "nobody"}}, "#/customer/email", "invalid"),
        ({"customer": {"name": "", "email": "b@example.org"}}, "#/customer/name", "blank"),
        ({"customer": {"name": "a\nb", "email": "b@example.org"}}, "#/customer/name", "invalid"),
        ({"customer": {"name": "x" * 201, "email": "b@example.org"}}, "#/customer/name", "max_length"),
        ({"customer": {"name": "B", "email": "b@example.org", "phone": "0711"}}, "#/customer/phone", "invalid"),
        ({"notes": "x" * 2001}, "#/notes", "max_length"),
    ],
)
def test_what_is_wrong_is_named(api, change, pointer, code):
    offer = make_offer()
    answer = api.post("/api/bookings", body(offer, slot_start()) | change, **key())
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]
    assert Booking.objects.count() == 0


def test_a_slot_service_wants_a_time(api):
    answer = api.post("/api/bookings", body(make_offer()), **key())
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [("#/starts_at", "required")]


def test_a_service_without_bookings_is_not_bookable(api):
    service = make_service()
    answer = api.post("/api/bookings", {**body(make_offer(make_service("other"))), "service": service.slug}, **key())
    assert (answer.status_code, answer.json()["code"]) == (409, "not_bookable")
    ServiceOffer.objects.update(mode=Mode.NONE)
    answer = api.post("/api/bookings", {**body(ServiceOffer.objects.get())}, **key())
    assert (answer.status_code, answer.json()["code"]) == (409, "not_bookable")


def test_a_draft_is_no_service(api):
    make_offer(make_service("hidden", live=False))
    answer = api.post("/api/bookings", {**body(ServiceOffer.objects.get(), slot_start()), "service": "hidden"}, **key())
    assert answer.status_code == 400


def test_the_key_is_required_and_makes_it_happen_once(api):
    offer = make_offer()
    wanted = body(offer, slot_start())
    assert api.post("/api/bookings", wanted).json()["code"] == "idempotency_key_required"
    header = key()
    first = api.post("/api/bookings", wanted, **header)
    again = api.post("/api/bookings", wanted, **header)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.json() == first.json()
    assert again["Idempotent-Replayed"] == "true"
    assert again["Location"] == first["Location"]
    other = api.post("/api/bookings", wanted | {"notes": "else"}, **header)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert Booking.objects.count() == 1
    assert Message.objects.count() == 1


def test_a_filled_trap_is_answered_like_success_and_takes_nothing(api):
    offer = make_offer()
    wanted, header = body(offer, slot_start(), website="https://spam.example"), key()
    answer = api.post("/api/bookings", wanted, **header)
    assert (answer.status_code, answer.json()["status"]) == (201, "held")
    assert api.post("/api/bookings", wanted, **header).json() == answer.json()
    spam = Booking.objects.get()
    assert (spam.spam, spam.status, spam.seat) == (True, Status.CANCELLED, None)
    assert Message.objects.count() == 0
    assert api.post("/api/bookings", body(offer, slot_start()), **key()).status_code == 201
    assert [row["id"] for row in staff()[1].get("/api/bookings").json()["data"]] == [
        str(Booking.objects.get(spam=False).pk)
    ]


def test_writes_of_one_address_are_limited(api, settings):
    from config.rates import parse

    settings.RATES = settings.RATES | {"PUBLIC_WRITE": parse("PUBLIC_WRITE", "2/m")}
    offer = make_offer()
    codes = [api.post("/api/bookings", body(offer, slot_start(hour)), **key()).status_code for hour in (9, 10, 11)]
    assert codes == [201, 201, 429]
    assert Booking.objects.count() == 2


NAMES = [
    "Nguyễn Thị Minh Khai", "محمد بن عبد الله", "שרה כהן", "王小明", "Ọlátúńjí", "👩🏾‍💻 Zoë",
    "<script>alert(1)</script>", "x" * 200, "=HYPERLINK(1)", "O'Brien; DROP TABLE",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_any_name_is_kept_as_it_was_written(api, name):
    offer = make_offer()
    customer = {"name": name, "email": "b@example.org"}
    answer = api.post("/api/bookings", body(offer, slot_start(), customer=customer), **key())
    assert answer.status_code == 201
    assert answer.json()["customer"]["name"] == name
    assert Booking.objects.get().customer_name == name
