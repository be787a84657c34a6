"""The admin's form for money taken by hand: who may, what it does, what it refuses."""

from datetime import timedelta

import pytest
from django.utils.timezone import localtime

from audit.models import AuditEvent
from bookings.constants import Status as BookingStatus
from bookings.tests.factories import make_booking
from common.clock import db_now
from common.ids import uuid7
from mail.models import Message
from payments.models import LedgerTransaction, Payment
from payments.tests.factories import ledger_sums
from payments.tests.test_admin_pages import signed_in
from payments.tests.test_intents import priced

pytestmark = pytest.mark.django_db
ADD = "/admin/payments/payment/add/"


def values(booking, amount="750.00", **more):
    at = {"received_at_0": "", "received_at_1": ""}
    asked = {"booking": str(booking.pk), "amount": amount, "method": "cash", "reference": "Receipt 12"}
    return asked | at | {"once": str(uuid7())} | more


def nothing_happened(booking):
    booking.refresh_from_db()
    receipts = Message.objects.filter(template="payments/receipt").count()
    return (Payment.objects.count(), LedgerTransaction.objects.count(), receipts, booking.paid_amount) == (0, 0, 0, 0)


def test_it_does_what_the_api_does(booking):
    sales = signed_in("Sales")
    assert f'href="{ADD}' in sales.get("/admin/payments/payment/").content.decode()
    page = sales.get(f"{ADD}?booking={booking.pk}").content.decode()
    assert "Record money taken by hand" in page
    assert booking.reference in page
    assert "Save and add another" not in page
    at = localtime(db_now() - timedelta(hours=2)).replace(microsecond=0)
    asked = values(booking, received_at_0=f"{at:%Y-%m-%d}", received_at_1=f"{at:%H:%M:%S}")
    answer = sales.post(ADD, asked, follow=True)
    payment = Payment.objects.get()
    booking.refresh_from_db()
    assert answer.redirect_chain == [(f"/admin/payments/payment/{payment.pk}/change/", 302)]
    assert "KES 750.00 recorded; the booking is now: Confirmed." in answer.content.decode()
    assert (payment.provider, payment.status, payment.purpose, payment.amount) == (
        "offline", "succeeded", "deposit", 75_000,
    )  # fmt: skip
    assert (payment.method, payment.reference, payment.received_at, str(payment.pk)) == (
        "cash", "Receipt 12", at, asked["once"],
    )  # fmt: skip
    assert (booking.status, booking.paid_amount) == (BookingStatus.CONFIRMED, 75_000)
    assert ledger_sums() == {"bank": 75_000, "revenue:bookings": -75_000}
    assert Message.objects.filter(template="payments/receipt").count() == 1
    event = AuditEvent.objects.get(action="payment.offline_recorded")
    assert (event.actor_kind, event.target_id) == ("staff", str(payment.pk))


def test_the_bookings_page_leads_to_it(booking):
    page, link = f"/admin/bookings/booking/{booking.pk}/change/", f'href="{ADD}?booking={booking.pk}"'
    sales = signed_in("Sales")
    assert link in sales.get(page).content.decode()
    assert f"selected>{booking.reference}" in sales.get(f"{ADD}?booking={booking.pk}").content.decode()
    assert link not in signed_in("Auditor").get(page).content.decode()
    assert sales.post(f"/admin/bookings/booking/{booking.pk}/action/record/").status_code == 403
    assert nothing_happened(booking)
    assert sales.post(ADD, values(booking, "2500")).status_code == 302
    assert link not in sales.get(page).content.decode(), "all of it is paid"


def test_a_double_click_is_one_payment_and_a_form_is_for_one(booking):
    sales, asked = signed_in("Sales"), values(booking)
    for _ in range(2):
        assert sales.post(ADD, asked).status_code == 302
    assert Payment.objects.count() == 1
    other = make_booking(booking.service.booking_offer, booking.starts_at + timedelta(days=1))
    for changed in ({"booking": str(other.pk)}, {"amount": "10"}, {"reference": "Receipt 13"}):
        answer = sales.post(ADD, asked | changed)
        assert "This form has recorded a payment already. Open it anew for another." in answer.content.decode()
    assert Payment.objects.count() == 1
    booking.refresh_from_db()
    assert booking.paid_amount == 75_000


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"amount": "2500.01"}, "Still to be paid for this booking: KES 2,500.00."),
        ({"amount": "0"}, "greater than or equal"),
        ({"amount": "1.005"}, "no such small part"),
        ({"amount": "much"}, "Enter a number"),
        ({"reference": " "}, "This field is required"),
        ({"method": "shells"}, "Select a valid choice"),
        ({"booking": ""}, "This field is required"),
        ({"booking": str(uuid7())}, "Select a valid choice"),
        ({"received_at_0": "2099-01-01", "received_at_1": "10:00"}, "This time has not come yet."),
        ({"received_at_0": "2001-01-01", "received_at_1": "10:00"}, "look at the year"),
    ],
)
def test_what_is_refused_is_said_and_what_was_typed_is_kept(booking, changes, words):
    answer = signed_in("Sales").post(ADD, values(booking, reference="Till 8841") | changes)
    page = answer.content.decode()
    assert (answer.status_code, words in page) == (200, True)
    assert "reference" in changes or "Till 8841" in page
    assert nothing_happened(booking)


def test_an_amount_is_in_the_bookings_currency():
    booking = priced(price_amount=5_000, currency="JPY", deposit_percent=0)
    sales = signed_in("Sales")
    assert "no such small part" in sales.post(ADD, values(booking, "50.5")).content.decode()
    assert sales.post(ADD, values(booking, "5000")).status_code == 302
    assert (Payment.objects.get().amount, Payment.objects.get().currency) == (5_000, "JPY")


@pytest.mark.parametrize("role", ["Auditor", "Editor", "Author"])
def test_others_may_not(booking, role):
    other = signed_in(role)
    assert other.get(ADD).status_code == 403
    assert other.post(ADD, values(booking)).status_code == 403
    assert nothing_happened(booking)


def test_a_payment_stays_read_only(booking):
    sales = signed_in("Owner")
    sales.post(ADD, values(booking))
    payment = Payment.objects.get()
    page = f"/admin/payments/payment/{payment.pk}/change/"
    assert "Receipt 12" in sales.get(page).content.decode()
    assert sales.post(page, values(booking, "1")).status_code == 403
    assert sales.post(f"/admin/payments/payment/{payment.pk}/delete/", {"post": "yes"}).status_code == 403
    payment.refresh_from_db()
    assert payment.amount == 75_000
