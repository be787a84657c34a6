"""The admin, the seeds, the mails that are sent again, and the `booking` key of a service."""

import pytest
from django.urls import reverse

from accounts.tests.factories import make_user
from bookings import registrations, seed, tokens
from bookings.constants import Mode, Status
from bookings.models import AvailabilityRule, Booking, BookingResource, Closure, ServiceOffer
from bookings.tests.factories import (
    TEST,
    make_booking,
    make_offer,
    make_resource,
    make_service,
    slot_start,
    with_status,
)
from cms import ports as cms_ports
from cms.models import Service
from mail.actions import resend
from mail.models import Message

pytestmark = pytest.mark.django_db


@pytest.fixture
def sales(client):
    client.force_login(make_user(held=("Sales",)))
    return client


def test_the_list_shows_searches_and_filters(sales, django_assert_max_num_queries):
    offer = make_offer(capacity=9)
    first = make_booking(offer)
    with_status(make_booking(offer), Status.EXPIRED)
    Booking.objects.filter(status="expired").update(paid_amount=1, review_reason="seat_gone")
    address = reverse("admin:bookings_booking_changelist")
    sales.get(address)
    with django_assert_max_num_queries(15):
        page = sales.get(address)
    assert page.status_code == 200
    assert page.content.decode().count("field-reference") == 2
    for query, count in (("q=brian", 2), (f"q={first.reference}", 1), ("status__exact=held", 1), ("review=yes", 1)):
        assert sales.get(f"{address}?{query}").content.decode().count("field-reference") == count


def press(client, booking, name):
    return client.post(f"/admin/bookings/booking/{booking.pk}/action/{name}/", follow=True)


def test_buttons_confirm_decline_and_cancel(sales):
    offer = make_offer(mode=Mode.REQUEST, capacity=3)
    one, two = make_booking(offer, slot_start()), make_booking(offer, slot_start())
    page = sales.get(reverse("admin:bookings_booking_change", args=[one.pk]))
    assert "/action/confirm/" in page.content.decode()
    press(sales, one, "confirm")
    press(sales, two, "decline")
    press(sales, one, "cancel")
    states = dict(Booking.objects.values_list("pk", "status"))
    assert states == {one.pk: "cancelled", two.pk: "declined"}
    assert press(sales, two, "confirm").status_code == 403


def test_those_who_only_look_have_no_buttons(client):
    booking = make_booking(make_offer(mode=Mode.REQUEST), slot_start())
    client.force_login(make_user(held=("Auditor",)))
    page = client.get(reverse("admin:bookings_booking_change", args=[booking.pk]))
    assert page.status_code == 200
    assert "/action/" not in page.content.decode()
    assert press(client, booking, "confirm").status_code == 403
    booking.refresh_from_db()
    assert booking.status == "requested"


def test_reviews_are_settled_by_a_button(sales):
    booking = with_status(make_booking(), Status.EXPIRED)
    Booking.objects.update(paid_amount=75_000, review_reason="seat_gone")
    press(sales, booking, "refund")
    booking.refresh_from_db()
    assert (booking.review_reason, booking.refund_due_amount) == ("", 75_000)


def test_hostile_names_are_text_in_the_admin(sales):
    booking = make_booking()
    Booking.objects.update(customer_name="<script>alert(1)</script>")
    for address in (
        reverse("admin:bookings_booking_changelist"),
        reverse("admin:bookings_booking_change", args=[booking.pk]),
    ):
        assert "<script>alert" not in sales.get(address).content.decode()


def test_offers_resources_hours_and_closures_are_edited(sales):
    service = make_service()
    post = lambda name, data: sales.post(reverse(f"admin:bookings_{name}_add"), data)  # noqa: E731
    assert post("bookingresource", {"name": "Room", "capacity": 2}).status_code == 302
    resource = BookingResource.objects.get()
    wanted = {
        "service": service.pk, "mode": "slot", "resource": resource.pk, "duration_minutes": 60, "buffer_minutes": 0,
        "min_notice_hours": 1, "max_days_ahead": 30, "amount": "2500.50", "currency": "KES", "deposit_percent": 0,
        "cancellation_hours": 24,
    }  # fmt: skip
    assert post("serviceoffer", wanted | {"resource": ""}).status_code == 200
    assert ServiceOffer.objects.count() == 0
    assert post("serviceoffer", wanted).status_code == 302
    assert (ServiceOffer.objects.get().resource, ServiceOffer.objects.get().price_amount) == (resource, 250_050)
    hours = {"weekday": 1, "starts": "09:00", "ends": "12:00"}
    assert post("availabilityrule", hours).status_code == 302
    overlapping = post("availabilityrule", hours | {"starts": "11:00"})
    assert overlapping.status_code == 200
    assert "overlap" in overlapping.content.decode()
    assert AvailabilityRule.objects.count() == 1
    rule = AvailabilityRule.objects.get()
    deleted = sales.post(reverse("admin:bookings_availabilityrule_delete", args=[rule.pk]), {"post": "yes"})
    assert (deleted.status_code, AvailabilityRule.objects.count()) == (302, 0)
    closure = {
        "starts_at_0": "2026-12-24", "starts_at_1": "00:00", "ends_at_0": "2026-12-27", "ends_at_1": "00:00",
        "reason": "Holidays",
    }  # fmt: skip
    assert post("closure", closure).status_code == 302
    assert Closure.objects.get().reason == "Holidays"


def test_seeds_are_planted_once_and_leave_changes_alone():
    for slug in seed.OFFERS:
        make_service(slug)
    seed.run(by=TEST)
    assert ServiceOffer.objects.count() == 3
    assert AvailabilityRule.objects.count() == 5
    ServiceOffer.objects.update(price_amount=1)
    AvailabilityRule.objects.first().delete()
    seed.run(by=TEST)
    assert set(ServiceOffer.objects.values_list("price_amount", flat=True)) == {1}
    assert AvailabilityRule.objects.count() == 4


def test_seeds_pass_over_services_that_are_not_there():
    seed.run(by=TEST)
    assert ServiceOffer.objects.count() == 0


def test_a_service_says_how_it_is_booked(django_assert_num_queries):
    booked = make_offer().service
    closed = make_offer(make_service("closed"), mode=Mode.NONE, resource=None).service
    plain = make_service("plain")
    with django_assert_num_queries(1):
        parts = cms_ports.service_parts([booked.pk, closed.pk, plain.pk])
    assert parts == {
        booked.pk: {
            "mode": "slot",
            "duration_minutes": 60,
            "price": {"amount": 250_000, "currency": "KES"},
            "deposit_percent": 30,
        }
    }
    assert list(cms_ports.only_bookable(Service.objects.all(), True)) == [booked]
    assert set(cms_ports.only_bookable(Service.objects.all(), False)) == {closed, plain}


def test_a_mail_sent_again_tells_the_present_state_with_a_token_derived_anew():
    booking = make_booking()
    [first] = Message.objects.all()
    with_status(booking, Status.CONFIRMED)
    resend(message=first, by=TEST)
    again = Message.objects.exclude(pk=first.pk).get()
    assert (again.template, again.to) == ("bookings/confirmed", "brian@example.org")
    assert again.secret_names == ["manage_url"]
    assert tokens.make(booking) not in str(again.context)


def test_every_template_can_be_sent_again():
    from bookings.actions import notices
    from mail import ports

    assert all(ports.resend_of(name) is registrations.send_again for name in notices.templates())


def test_a_resource_keeps_its_seats_when_it_is_renamed(sales):
    resource = make_resource(name="Old")
    address = reverse("admin:bookings_bookingresource_change", args=[resource.pk])
    assert sales.post(address, {"name": "New", "capacity": 4}).status_code == 302
    resource.refresh_from_db()
    assert (resource.name, resource.capacity) == ("New", 4)
