"""The way from a service to a booking without JavaScript, and the page behind the mailed link."""

import re
from datetime import UTC, timedelta

import pytest
from django.test import Client

from bookings import tokens
from bookings.constants import Mode, Status
from bookings.models import Booking, ServiceOffer
from bookings.tests.factories import make_booking, make_offer, make_service, slot_start, with_status
from common.clock import db_now, shift
from jobs.models import Job

pytestmark = pytest.mark.django_db
BOOK = "/services/discovery-workshop/book"


def stamp(instant):
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def hidden(page, name):
    return re.search(rf'name="{name}" value="([^"]*)"', page).group(1)


def details(client, starts_at, **values):
    address = f"{BOOK}/details"
    page = client.get(address, {"starts_at": stamp(starts_at), "zone": "Africa/Nairobi"}).content.decode()
    return address, {
        "key": hidden(page, "key"),
        "zone": hidden(page, "zone"),
        "starts_at": hidden(page, "starts_at"),
        "name": "Brian Mwangi",
        "email": "brian@example.org",
        "phone": "+254 711 000 000",
        "notes": "",
        "consent": "on",
    } | values


def test_the_picker_shows_the_month_and_the_times_of_the_first_free_day(client):
    make_offer(min_notice_hours=0)
    answer = client.get(BOOK)
    page = answer.content.decode()
    assert answer.status_code == 200
    assert "private" in answer["Cache-Control"]
    assert page.count('<table class="calendar">') == 1
    assert page.count('aria-pressed="true"') == 1
    times = re.findall(r'name="starts_at" value="([^"]+)"', page)
    assert 1 <= len(times) <= 8
    assert "style=" not in page
    assert not re.search(r"<script(?![^>]*src=)", page)


def test_the_picker_shows_the_day_that_was_asked_for_in_the_zone_that_was_asked_for(client):
    offer = make_offer()
    make_booking(offer, slot_start(9))
    day = slot_start().date().isoformat()
    page = client.get(BOOK, {"day": day, "zone": "Europe/Berlin"}).content.decode()
    times = re.findall(r'name="starts_at" value="([^"]+)"', page)
    assert times == [stamp(slot_start(hour)) for hour in range(10, 17)]
    assert "Times in Europe/Berlin" in page
    local = slot_start(10).astimezone(__import__("zoneinfo").ZoneInfo("Europe/Berlin"))
    assert f'<span class="choice__title">{local:%H:%M}' in page


@pytest.mark.parametrize("query", [{"day": "nonsense"}, {"month": "2026-13"}, {"zone": "Mars"}, {"day": "9999-12-31"}])
def test_nonsense_in_the_address_is_passed_over(client, query):
    make_offer()
    assert client.get(BOOK, query).status_code == 200


def test_the_whole_way_to_the_payment(client):
    offer = make_offer()
    address, form = details(client, slot_start(), notes="Ring twice")
    answer = client.post(address, form)
    booking = Booking.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/pay/{booking.pk}")
    cookie = answer.cookies[f"bk_{booking.pk}"]
    assert cookie.value == tokens.make(booking)
    assert (cookie["httponly"], cookie["samesite"], cookie["max-age"]) == (True, "Lax", 86_400)
    assert (booking.status, booking.starts_at, booking.customer_phone) == ("held", slot_start(), "+254711000000")
    assert (booking.notes, booking.source_page, booking.service_id) == ("Ring twice", address, offer.service_id)
    page = client.get(f"/bookings/{booking.pk}").content.decode()
    assert booking.reference in page
    assert f'href="/pay/{booking.pk}"' in page
    assert "KES 750.00" in page


def test_a_double_click_is_one_booking(client):
    make_offer(capacity=4)
    address, form = details(client, slot_start())
    first, second = client.post(address, form), client.post(address, form)
    assert first["Location"] == second["Location"]
    assert Booking.objects.count() == 1
    changed = client.post(address, form | {"name": "Somebody else"})
    assert changed.status_code == 422
    assert "sent before" in changed.content.decode()
    assert Booking.objects.count() == 1


def test_a_form_without_the_token_of_our_own_page_is_refused():
    make_offer()
    strict = Client(enforce_csrf_checks=True)
    address, form = details(strict, slot_start())
    assert strict.post(address, form).status_code == 403
    assert Booking.objects.count() == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "Please tell us your name."),
        ({"email": "nobody"}, "does not look like an e-mail address"),
        ({"phone": "0711"}, "with its country code"),
        ({"consent": ""}, "Please tick the box"),
    ],
)
def test_faults_are_said_beside_their_field_and_what_was_typed_stays(client, change, words):
    make_offer()
    address, form = details(client, slot_start(), notes="Keep me")
    answer = client.post(address, form | change)
    page = answer.content.decode()
    assert answer.status_code == 400
    assert words in page
    assert 'aria-invalid="true"' in page
    assert "Keep me" in page
    assert Booking.objects.count() == 0


def test_a_time_that_somebody_took_is_answered_with_the_nearest(client):
    offer = make_offer()
    address, form = details(client, slot_start(10))
    make_booking(offer, slot_start(10))
    answer = client.post(address, form)
    page = answer.content.decode()
    assert answer.status_code == 409
    assert "Somebody was faster" in page
    times = re.findall(r'name="starts_at" value="([^"]+)"', page)
    assert times == [stamp(slot_start(hour)) for hour in (9, 11, 12)]
    retry = form | {"starts_at": times[0], "key": hidden(page, "key")}
    assert client.post(address, retry).status_code == 303


def test_a_time_that_is_not_offered_is_said(client):
    make_offer()
    address, form = details(client, slot_start())
    answer = client.post(address, form | {"starts_at": stamp(slot_start() + timedelta(minutes=1))})
    assert answer.status_code == 422
    assert "not offered any more" in answer.content.decode()


def test_a_robot_is_answered_like_everybody(client):
    make_offer()
    address, form = details(client, slot_start())
    answer = client.post(address, form | {"website": "x"})
    spam = Booking.objects.get()
    assert (answer.status_code, spam.spam, spam.seat) == (303, True, None)


def test_a_request_without_a_time_goes_straight_to_the_details(client):
    make_offer(mode=Mode.REQUEST, resource=None)
    assert client.get(BOOK)["Location"] == f"{BOOK}/details"
    page = client.get(f"{BOOK}/details").content.decode()
    form = {"key": hidden(page, "key"), "name": "B", "email": "b@example.org", "consent": "on"}
    answer = client.post(f"{BOOK}/details", form)
    booking = Booking.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/bookings/{booking.pk}")
    assert "answer by mail" in client.get(answer["Location"]).content.decode()


def test_a_service_that_takes_no_bookings_says_so_and_an_unknown_one_is_not_found(client):
    make_service()
    assert client.get(BOOK).status_code == 409
    assert client.get("/services/nothing/book").status_code == 404
    make_offer(make_service("hidden", live=False))
    assert client.get("/services/hidden/book").status_code == 404


def test_details_without_a_time_lead_back_to_the_picker(client):
    make_offer()
    assert client.get(f"{BOOK}/details")["Location"] == BOOK
    assert client.get(f"{BOOK}/details?starts_at=0001-01-01T00:00:00Z")["Location"] == BOOK


# --- the booking's own page -------------------------------------------------------------------------------------------


def enter(client, booking):
    answer = client.get(f"/b/{tokens.make(booking)}")
    assert (answer.status_code, answer["Location"]) == (303, f"/bookings/{booking.pk}")
    return answer


def test_the_link_sets_the_cookie_and_leads_to_the_bare_page(client):
    booking = make_booking()
    answer = enter(client, booking)
    assert answer.cookies[f"bk_{booking.pk}"].value == tokens.make(booking)
    assert answer["Referrer-Policy"] == "no-referrer"
    assert client.get(f"/bookings/{booking.pk}").status_code == 200


def test_a_wrong_link_or_no_cookie_is_not_found(client):
    booking, other = make_booking(), make_booking(make_offer(make_service("other")), slot_start())
    assert client.get("/b/bk_nonsense").status_code == 404
    assert client.get(f"/b/{tokens.make(booking)[:-1]}").status_code == 404
    assert client.get(f"/bookings/{booking.pk}").status_code == 404
    client.cookies[f"bk_{booking.pk}"] = tokens.make(other)
    assert client.get(f"/bookings/{booking.pk}").status_code == 404
    Booking.objects.filter(pk=booking.pk).update(token_version=2)
    client.cookies[f"bk_{booking.pk}"] = tokens.make(booking)
    assert client.get(f"/bookings/{booking.pk}").status_code == 404


def test_cancelling_on_the_page(client):
    booking = with_status(make_booking(), Status.CONFIRMED)
    Booking.objects.update(paid_amount=75_000)
    enter(client, booking)
    assert "Cancel this booking" in client.get(f"/bookings/{booking.pk}").content.decode()
    answer = client.post(f"/bookings/{booking.pk}/cancel")
    assert (answer.status_code, answer["Location"]) == (303, f"/bookings/{booking.pk}")
    page = client.get(f"/bookings/{booking.pk}").content.decode()
    assert "KES 750.00" in page
    assert "paid back" in page
    assert f"/pay/{booking.pk}/receipt" in page
    assert Job.objects.filter(kind="payments.refund_cancelled").count() == 1
    assert client.get(f"/bookings/{booking.pk}/cancel").status_code == 405


def test_cancelling_too_late_is_said_and_changes_nothing(client):
    booking = with_status(make_booking(make_offer(), slot_start(days=1)), Status.CONFIRMED)
    enter(client, booking)
    page = client.get(f"/bookings/{booking.pk}").content.decode()
    assert "Cancel this booking" not in page
    answer = client.post(f"/bookings/{booking.pk}/cancel")
    assert answer.status_code == 409
    assert "too late to cancel" in answer.content.decode()
    booking.refresh_from_db()
    assert booking.status == "confirmed"


def test_a_hold_counts_down_and_reads_as_expired_once_it_has_run_out(client):
    booking = make_booking()
    enter(client, booking)
    page = client.get(f"/bookings/{booking.pk}").content.decode()
    assert 890 <= int(re.search(r'data-seconds="(\d+)"', page).group(1)) <= 900
    with shift(901):
        page = client.get(f"/bookings/{booking.pk}").content.decode()
    assert "The hold has run out" in page
    assert f'href="/pay/{booking.pk}"' not in page


def test_the_calendar_file_of_the_page(client):
    booking = with_status(make_booking(), Status.CONFIRMED)
    assert client.get(f"/bookings/{booking.pk}/calendar.ics").status_code == 404
    enter(client, booking)
    answer = client.get(f"/bookings/{booking.pk}/calendar.ics")
    assert (answer.status_code, answer["Content-Type"]) == (200, "text/calendar; charset=utf-8")


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "محمد", "👩🏾‍💻"])
def test_names_are_text_on_the_page(client, name):
    from bookings.actions.creation import Customer

    booking = make_booking(customer=Customer(name, "b@example.org"))
    enter(client, booking)
    page = client.get(f"/bookings/{booking.pk}").content.decode()
    assert "<script>alert" not in page
    from django.utils.html import escape

    assert f"<bdi>{escape(name)}</bdi>" in page


def test_the_pages_cost_few_queries(client, django_assert_max_num_queries):
    make_offer(capacity=30)
    offer = ServiceOffer.objects.get()
    for hour in range(9, 17):
        make_booking(offer, slot_start(hour))
    client.get(BOOK)
    with django_assert_max_num_queries(12):
        client.get(BOOK)
    assert db_now()
