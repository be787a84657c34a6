"""The payment page, the way back and the receipt, as a browser without and with a script sees them."""

import re

import pytest
from django.core.management import call_command
from django.template.loader import render_to_string
from django.test import Client

from bookings.constants import Status as BookingStatus
from bookings.selectors import cookie_name
from bookings.tests.factories import make_booking, make_offer, with_status
from bookings.tokens import make
from common.clock import shift
from jobs.testing import run_due
from mail.models import Message
from mail.rendering import render
from payments import pages
from payments.models import Payment
from payments.tests.factories import begin, creates, deliver_all, pay

pytestmark = pytest.mark.django_db


@pytest.fixture
def visitor(booking):
    return visitor_of(booking)


def visitor_of(booking, **options):
    client = Client(**options)
    client.cookies[cookie_name(booking.pk)] = make(booking)
    return client


def test_what_is_due_and_until_when(twin, booking, visitor):
    answer = visitor.get(f"/pay/{booking.pk}")
    page = answer.content.decode()
    assert answer.status_code == 200
    assert 'id="amount-due">KES 750.00<' in page
    assert "KES 2,500.00" in page
    assert "Your time is held for 15 more minutes." in page
    assert 'data-countdown data-seconds="' in page
    assert "Paying by card needs JavaScript" in page
    assert "No real money moves here." in page
    assert '<form id="pay-form"' in page
    assert "no-store" in answer["Cache-Control"]
    assert '<meta name="robots" content="noindex">' in page
    assert creates(twin) == 0


def test_the_policy_names_the_twin_only(twin, booking, visitor, settings):
    policy = visitor.get(f"/pay/{booking.pk}")["Content-Security-Policy"]
    found = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert found["script-src"] == "'self' http://127.0.0.1:9"
    assert found["connect-src"] == "'self' http://127.0.0.1:9"
    assert "frame-src" not in found
    assert "unsafe" not in policy


def test_the_policy_names_stripe(settings):
    settings.PAYMENTS_MODE, settings.STRIPE_JS_URL = "live", "https://js.stripe.com/v3/"
    assert pages.payment_policy() == {
        "script-src": ["https://js.stripe.com"],
        "connect-src": ["https://api.stripe.com"],
        "frame-src": ["https://js.stripe.com", "https://hooks.stripe.com"],
    }


def test_no_inline_script_or_style(twin, booking, visitor):
    for path in (f"/pay/{booking.pk}", f"/pay/return?booking={booking.pk}"):
        page = visitor.get(path).content.decode()
        assert not re.search(r"<script(?![^>]*src=)|\sstyle=|\son\w+=", page)


@pytest.mark.parametrize("path", ["", "/intent", "/status", "/receipt"])
def test_without_the_cookie_there_is_nothing(twin, booking, path):
    address = f"/pay/{booking.pk}{path}"
    answer = Client().post(address) if path == "/intent" else Client().get(address)
    assert answer.status_code == 404
    assert Client().get(f"/pay/return?booking={booking.pk}").status_code == 404
    assert creates(twin) == 0


def test_another_bookings_cookie_opens_nothing(twin, booking):
    client = Client()
    client.cookies[cookie_name(booking.pk)] = make(type(booking)(id=booking.service_id))
    assert client.get(f"/pay/{booking.pk}").status_code == 404


def test_the_page_gets_its_intent(twin, booking, visitor):
    answer = visitor.post(f"/pay/{booking.pk}/intent")
    assert answer.status_code == 201
    assert answer.json()["next_action"]["stripe_js_url"] == twin.stripe_js_url
    assert "_secret_" in answer.json()["client_secret"]
    assert "no-store" in answer["Cache-Control"]
    assert visitor.post(f"/pay/{booking.pk}/intent").status_code == 200
    assert creates(twin) == 1


def test_the_intent_wants_the_pages_own_token(twin, booking):
    client = visitor_of(booking, enforce_csrf_checks=True)
    assert client.post(f"/pay/{booking.pk}/intent").status_code == 403
    page = client.get(f"/pay/{booking.pk}").content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    assert client.post(f"/pay/{booking.pk}/intent", headers={"X-CSRFToken": token}).status_code == 201


def test_the_intents_refusals_are_problems(twin, booking, visitor):
    with shift(16 * 60):
        answer = visitor.post(f"/pay/{booking.pk}/intent")
    assert (answer.status_code, answer.json()["code"]) == (409, "booking_not_payable")


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (BookingStatus.EXPIRED, "The time is no longer held"),
        (BookingStatus.CANCELLED, "This booking is closed"),
        (BookingStatus.REQUESTED, "We have not answered your request yet"),
    ],
)
def test_what_cannot_be_paid_is_said_in_words(twin, booking, visitor, status, words):
    with_status(booking, status)
    page = visitor.get(f"/pay/{booking.pk}").content.decode()
    assert words in page
    assert "pay-form" not in page


def test_a_free_booking_is_said_in_words(twin):
    booking = make_booking(make_offer(price_amount=0))
    assert "This booking costs nothing." in visitor_of(booking).get(f"/pay/{booking.pk}").content.decode()


def test_without_keys_the_page_says_so(booking, visitor, settings):
    settings.PAYMENTS_MODE = "off"
    page = visitor.get(f"/pay/{booking.pk}").content.decode()
    assert "Paying online is not possible at the moment" in page
    assert "pay-form" not in page


def test_the_way_back_tells_what_became_of_it(twin, booking, visitor):
    def outcome():
        page = visitor.get(f"/pay/return?booking={booking.pk}").content.decode()
        return re.search(r'data-outcome="(\w+)"', page)[1]

    assert outcome() == "none"
    payment = begin(booking)
    assert outcome() == "processing"
    with pytest.raises(Exception, match="declined"):
        pay(twin, payment, "pm_card_chargeDeclined")
    deliver_all(twin, "payment_intent.payment_failed")
    assert outcome() == "failed"
    pay(twin, payment)
    deliver_all(twin, "payment_intent.succeeded")
    assert outcome() == "paid"
    page = visitor.get(f"/pay/return?booking={booking.pk}").content.decode()
    assert "We have received KES 750.00" in page
    assert "Your booking is confirmed." in page
    Payment.objects.update(review_reason="paid_after_close")
    assert outcome() == "review"
    assert visitor.get("/pay/return?booking=x").status_code == 404
    assert visitor.get("/pay/return").status_code == 404


def test_asking_again_heals_a_lost_webhook(twin, booking, visitor):
    pay(twin, begin(booking), "pm_twin_webhookLost")
    run_due()
    with shift(6):
        assert visitor.get(f"/pay/{booking.pk}/status").json()["status"] == "requires_payment_method"
        visitor.get(f"/pay/return?booking={booking.pk}")
        assert run_due() == 0
        visitor.get(f"/pay/return?booking={booking.pk}&look=1")
        assert visitor.get(f"/pay/{booking.pk}/status?look=1").json()["status"] == "requires_payment_method"
        assert run_due() > 0
        assert visitor.get(f"/pay/{booking.pk}/status").json()["status"] == "succeeded"


def test_after_the_deposit_the_rest_can_be_paid(twin, booking, visitor):
    pay(twin, begin(booking))
    deliver_all(twin)
    page = visitor.get(f"/pay/{booking.pk}").content.decode()
    assert "The rest" in page
    assert 'id="amount-due">KES 1,750.00<' in page
    answer = visitor.post(f"/pay/{booking.pk}/intent")
    assert (answer.status_code, answer.json()["amount"]) == (201, 175_000)
    pay(twin, Payment.objects.get(purpose="balance"))
    deliver_all(twin)
    assert "All is paid" in visitor.get(f"/pay/{booking.pk}").content.decode()


def test_the_receipt(twin, booking, visitor, django_assert_max_num_queries):
    assert visitor.get(f"/pay/{booking.pk}/receipt").status_code == 404
    payment = begin(booking)
    pay(twin, payment)
    deliver_all(twin)
    with django_assert_max_num_queries(12):
        page = visitor.get(f"/pay/{booking.pk}/receipt").content.decode()
    assert "KES 750.00" in page
    assert "Still to pay: KES 1,750.00" in page
    assert payment.provider_ref in page


def test_the_receipts_mail(twin, booking):
    pay(twin, begin(booking))
    deliver_all(twin)
    message = Message.objects.get(template="payments/receipt")
    assert "manage_url" in message.secret_names
    shown = render("payments/receipt", message.context | {"manage_url": "http://testserver/b/x"})
    assert "Received: KES 750.00" in shown.text
    assert "Still to pay: KES 1,750.00" in shown.text
    assert 'href="http://testserver/b/x"' in shown.html


def test_names_are_text_everywhere(twin, booking, visitor):
    nasty = "<script>alert(1)</script>"
    type(booking).objects.filter(pk=booking.pk).update(customer_name=nasty, service_title=nasty)
    pay(twin, begin(booking))
    deliver_all(twin)
    for path in (f"/pay/{booking.pk}", f"/pay/return?booking={booking.pk}", f"/pay/{booking.pk}/receipt"):
        assert nasty not in visitor.get(path).content.decode()
    message = Message.objects.get(template="payments/receipt")
    assert nasty not in render("payments/receipt", message.context | {"manage_url": "x"}).html


def test_the_banner_is_not_shown_with_live_keys():
    assert "No real money" not in render_to_string("pages/payments/partials/play_money.html", {"play_money": False})


def test_the_system_check_is_silent_when_all_is_set(capsys):
    call_command("check", "payments")
    assert "no issues" in capsys.readouterr().out
