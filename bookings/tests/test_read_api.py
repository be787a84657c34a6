"""Slots, reading with a token, the staff's list, and what each costs in queries."""

import base64
from datetime import timedelta

import pytest

from accounts.tests.factories import staff
from bookings import tokens
from bookings.constants import Mode, Status
from bookings.models import AvailabilityRule, Booking
from bookings.tests.factories import (
    bearer,
    make_booking,
    make_offer,
    make_resource,
    make_service,
    slot_start,
    with_status,
)
from common.clock import db_now, shift

pytestmark = pytest.mark.django_db
SLOTS = "/api/services/discovery-workshop/slots"


def stamp(instant):
    return instant.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_slots_of_a_day(api):
    offer = make_offer(capacity=2)
    make_booking(offer, slot_start(9))
    day = slot_start(9).date().isoformat()
    answer = api.get(f"{SLOTS}?from={day}&to={day}&zone=Africa/Nairobi")
    assert answer.status_code == 200
    found = answer.json()
    assert found["meta"] == {"zone": "Africa/Nairobi", "mode": "slot", "duration_minutes": 60}
    assert found["links"]["self"] == f"http://testserver{SLOTS}?from={day}&to={day}&zone=Africa/Nairobi"
    assert len(found["data"]) == 8
    assert found["data"][0] == {
        "starts_at": stamp(slot_start(9)), "ends_at": stamp(slot_start(10)), "remaining": 1,
    }  # fmt: skip
    assert [row["remaining"] for row in found["data"][1:]] == [2] * 7
    assert answer["Cache-Control"] == "no-store"
    assert "ETag" not in answer


def test_a_full_slot_is_not_listed_and_one_whose_hold_ran_out_is(api):
    offer = make_offer()
    start = slot_start(9)
    make_booking(offer, start)
    day = start.date().isoformat()
    address = f"{SLOTS}?from={day}&to={day}"
    assert stamp(start) not in [row["starts_at"] for row in api.get(address).json()["data"]]
    with shift(900):
        assert stamp(start) in [row["starts_at"] for row in api.get(address).json()["data"]]


def test_by_default_fourteen_days_from_now(api):
    make_offer(min_notice_hours=0)
    starts = [row["starts_at"] for row in api.get(SLOTS).json()["data"]]
    assert starts
    assert starts == sorted(starts)
    assert stamp(db_now()) <= starts[0]
    assert starts[-1] < stamp(db_now() + timedelta(days=14))


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("zone=Nowhere/Land", "zone"),
        ("from=yesterday", "from"),
        ("from=2026-02-30", "from"),
        ("to=20261201", "to"),
        ("from=9999-12-31", "from"),
        ("from=2026-12-10&to=2026-12-09", "to"),
        ("from=2026-12-01&to=2027-02-01", "to"),
        ("colour=red", "colour"),
        ("zone=Africa/Nairobi&zone=UTC", "zone"),
    ],
)
def test_wrong_parameters_are_named(api, query, parameter):
    make_offer()
    answer = api.get(f"{SLOTS}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert [one["parameter"] for one in answer.json()["errors"]] == [parameter]


def test_sixty_two_days_are_allowed(api):
    make_offer()
    assert api.get(f"{SLOTS}?from=2026-12-01&to=2027-01-31").status_code == 200


def test_an_unknown_or_hidden_service_is_not_found_and_one_without_bookings_has_no_slots(api):
    make_offer(make_service("hidden", live=False))
    make_service("plain")
    assert api.get("/api/services/nothing/slots").status_code == 404
    assert api.get("/api/services/hidden/slots").status_code == 404
    answer = api.get("/api/services/plain/slots").json()
    assert (answer["data"], answer["meta"]["mode"]) == ([], "none")


def test_slots_cost_five_queries_whatever_the_range(api, django_assert_num_queries):
    offer = make_offer(capacity=50)
    for hour in range(9, 17):
        make_booking(offer, slot_start(hour))
    for query in ("", "?from=2026-12-01&to=2027-01-31"):
        with django_assert_num_queries(5):
            assert api.get(f"{SLOTS}{query}").status_code == 200


def test_rules_of_another_service_do_not_count(api):
    offer = make_offer()
    now = db_now()
    AvailabilityRule.objects.update(service=make_service("other"))
    assert api.get(SLOTS).json()["data"] == []
    AvailabilityRule.objects.update(service=offer.service, updated_at=now)
    assert api.get(SLOTS).json()["data"]


# --- one booking ------------------------------------------------------------------------------------------------------


def test_who_may_read_a_booking(api):
    booking, other = make_booking(), make_booking(make_offer(make_service("other")), slot_start())
    address = f"/api/bookings/{booking.pk}"
    assert api.get(address).status_code == 401
    assert api.get(address)["WWW-Authenticate"].startswith("Bearer")
    assert api.get(f"{address}?token={tokens.make(booking)}").status_code == 401
    assert api.get(address, **bearer(booking)).status_code == 200
    assert api.get(address, **bearer(other)).status_code == 404
    assert staff("Sales")[1].get(address).status_code == 200
    assert staff("Author")[1].get(address).status_code == 403


def test_every_wrong_token_is_not_found_like_an_unknown_booking(api):
    booking = make_booking()
    address = f"/api/bookings/{booking.pk}"
    good = tokens.make(booking)
    unknown = "bk_" + base64.urlsafe_b64encode(bytes(48)).decode()
    flipped = good[:-1] + ("A" if good[-1] != "A" else "B")
    answers = [
        api.get(address, HTTP_AUTHORIZATION=f"Bearer {token}")
        for token in (good[:-4], good + "AAAA", unknown, flipped, "bk_", "bk_" + "!" * 64, "bk_é" + "a" * 62)
    ]
    bodies = [{**answer.json(), "request_id": ""} for answer in answers]
    assert {answer.status_code for answer in answers} == {404}
    assert all(body == bodies[0] for body in bodies)
    assert bodies[0]["code"] == "not_found"


def test_raising_the_version_revokes_the_token_and_an_older_key_still_opens(api, settings):
    booking = make_booking()
    old = bearer(booking)
    settings.FIELD_KEYS = [b"n" * 32, *settings.FIELD_KEYS]
    assert api.get(f"/api/bookings/{booking.pk}", **old).status_code == 200
    assert api.get(f"/api/bookings/{booking.pk}", **bearer(booking)).status_code == 200
    assert old != bearer(booking)
    Booking.objects.update(token_version=2)
    assert api.get(f"/api/bookings/{booking.pk}", **old).status_code == 404


def test_the_api_does_not_read_the_cookie_of_the_pages(api):
    booking = make_booking()
    api.cookies[f"bk_{booking.pk}"] = tokens.make(booking)
    assert api.get(f"/api/bookings/{booking.pk}").status_code == 401


def test_the_calendar_file(api):
    booking = make_booking()
    answer = api.get(f"/api/bookings/{booking.pk}/calendar.ics", **bearer(booking), HTTP_ACCEPT="text/calendar")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert answer["Content-Disposition"] == f'attachment; filename="booking-{booking.reference}.ics"'
    assert answer.content.startswith(b"BEGIN:VCALENDAR\r\n")
    assert api.get(f"/api/bookings/{booking.pk}/calendar.ics").status_code == 401
    timeless = make_booking(make_offer(make_service("talk"), mode=Mode.REQUEST, resource=None))
    assert api.get(f"/api/bookings/{timeless.pk}/calendar.ics", **bearer(timeless)).status_code == 404


# --- the staff's list -------------------------------------------------------------------------------------------------


def test_the_list_is_for_staff_who_may_see_bookings(api):
    booking = make_booking()
    assert api.get("/api/bookings").status_code == 401
    assert api.get("/api/bookings", **bearer(booking)).status_code == 403
    assert staff("Author")[1].get("/api/bookings").status_code == 403
    assert staff("Auditor")[1].get("/api/bookings").status_code == 200


def test_the_list_pages_by_cursor_and_filters():
    offer = make_offer(capacity=9)
    made = [make_booking(offer, slot_start(9 + n)) for n in range(5)]
    with_status(made[0], Status.EXPIRED)
    _, client = staff("Sales")
    first = client.get("/api/bookings?per_page=3").json()
    assert [row["id"] for row in first["data"]] == [str(row.pk) for row in reversed(made[2:])]
    second = client.get(first["links"]["next"].removeprefix("http://testserver")).json()
    assert [row["id"] for row in second["data"]] == [str(made[1].pk), str(made[0].pk)]
    assert second["links"]["next"] is None
    assert len(client.get("/api/bookings?status=expired").json()["data"]) == 1
    assert len(client.get(f"/api/bookings?q={made[3].reference.lower()}").json()["data"]) == 1
    assert len(client.get("/api/bookings?q=brian%40").json()["data"]) == 5
    assert len(client.get("/api/bookings?service=other").json()["data"]) == 0
    day = slot_start().date()
    assert len(client.get(f"/api/bookings?from={day}&to={day}").json()["data"]) == 5
    assert len(client.get(f"/api/bookings?from={day + timedelta(days=1)}").json()["data"]) == 0
    for query, parameter in (("status=lost", "status"), ("cursor=x", "cursor"), ("page=1", "page")):
        answer = client.get(f"/api/bookings?{query}")
        assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, parameter)


def test_the_list_costs_the_same_for_more_rows(django_assert_num_queries):
    offer = make_offer(resource=make_resource(capacity=60))
    for hour in range(9, 12):
        make_booking(offer, slot_start(hour))
    _, client = staff("Sales")
    client.get("/api/bookings")
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as few:
        assert len(client.get("/api/bookings").json()["data"]) == 3
    for hour in range(9, 17):
        make_booking(offer, slot_start(hour))
    with CaptureQueriesContext(connection) as many:
        assert len(client.get("/api/bookings").json()["data"]) == 11
    assert len(many) == len(few) <= 12
