"""From the booking to the receipt, through the official SDK and signed webhooks."""

import pytest

from audit.models import AuditEvent
from bookings.constants import Status as BookingStatus
from jobs.models import Job
from jobs.testing import run_due
from mail.models import Message
from payments.constants import EventState, Status
from payments.models import LedgerTransaction, Payment, PaymentEvent, ProviderCall
from payments.tests.factories import (
    begin,
    creates,
    deliver,
    deliver_all,
    ledger_sums,
    pay,
    post_intent,
    sdk,
)

pytestmark = pytest.mark.django_db


def test_book_pay_confirm(twin, booking):
    answer = post_intent(booking)
    assert answer.status_code == 201
    payment = Payment.objects.get()
    assert answer.json() == {
        "id": str(payment.pk),
        "booking": str(booking.pk),
        "provider": "stripe",
        "status": "requires_payment_method",
        "amount": 75_000,
        "currency": "KES",
        "client_secret": sdk(twin).v1.payment_intents.retrieve(payment.provider_ref).client_secret,
        "next_action": {
            "type": "confirm_card",
            "publishable_key": twin.publishable_key,
            "stripe_js_url": twin.stripe_js_url,
        },
        "expires_at": booking.hold_expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "livemode": False,
    }
    confirmed = sdk(twin).v1.payment_intents.confirm(
        payment.provider_ref, {"payment_method": "pm_card_visa", "return_url": "http://testserver/pay/return"}
    )
    assert confirmed.status == "succeeded"
    deliver_all(twin)

    payment.refresh_from_db()
    booking.refresh_from_db()
    assert (payment.status, payment.amount_captured, payment.provider_currency) == (Status.SUCCEEDED, 75_000, "KES")
    assert (payment.review_reason, payment.client_secret, payment.expires_at) == (None, None, None)
    assert payment.provider_charge_ref == confirmed.latest_charge
    assert (booking.status, booking.paid_amount) == (BookingStatus.CONFIRMED, 75_000)
    assert ledger_sums() == {"clearing:stripe:KES": 75_000, "revenue:bookings": -75_000}
    assert not [one.event_id for one in PaymentEvent.objects.all() if "_secret_" in str(one.payload)]
    receipt = Message.objects.get(key=f"payment:{payment.pk}:receipt")
    assert (receipt.to, receipt.template) == ("brian@example.org", "payments/receipt")
    assert receipt.subject == f"Receipt for {booking.reference}: KES 750.00"
    assert receipt.context["outstanding"] == "KES 1,750.00"
    events = AuditEvent.objects.filter(target_id=str(payment.pk)).order_by("id")
    assert [(event.action, event.actor_kind) for event in events] == [
        ("payment.created", "customer"),
        ("payment.succeeded", "provider"),
    ]
    assert list(ProviderCall.objects.values_list("idempotency_key", "state", "http_status")) == [
        (f"pay_{payment.pk}:create:1", "done", 200)
    ]


def test_a_replayed_webhook_changes_nothing(twin, booking):
    pay(twin, begin(booking))
    deliver_all(twin)
    before = Payment.objects.values().get(), booking.__class__.objects.values().get(), ledger_sums()
    counts = Message.objects.count(), AuditEvent.objects.count(), LedgerTransaction.objects.count(), Job.objects.count()
    for event in twin.events():
        answer = deliver(event)
        assert (answer.status_code, answer.json()) == (200, {"received": True, "duplicate": True})
    assert run_due() == 0
    assert (Payment.objects.values().get(), booking.__class__.objects.values().get(), ledger_sums()) == before
    assert (
        Message.objects.count(), AuditEvent.objects.count(), LedgerTransaction.objects.count(), Job.objects.count()
    ) == counts  # fmt: skip


def test_another_event_about_the_same_success_changes_nothing(twin, booking):
    pay(twin, begin(booking))
    deliver_all(twin)
    (event,) = twin.events("payment_intent.succeeded")
    counts = Message.objects.count(), LedgerTransaction.objects.count()
    again = event | {"id": "evt_again", "created": event["created"] + 60}
    assert deliver(again).json() == {"received": True, "duplicate": False}
    run_due()
    stored = PaymentEvent.objects.get(event_id="evt_again")
    assert (stored.state, stored.outcome, stored.payment_id) == (
        EventState.PROCESSED, "unchanged", Payment.objects.get().pk,
    )  # fmt: skip
    assert (Message.objects.count(), LedgerTransaction.objects.count()) == counts


def test_a_decline_then_a_good_card(twin, booking):
    payment = begin(booking)
    with pytest.raises(Exception, match="declined"):
        pay(twin, payment, "pm_card_chargeDeclined")
    deliver_all(twin, "payment_intent.payment_failed")
    payment.refresh_from_db()
    assert payment.status == Status.REQUIRES_PAYMENT_METHOD
    assert (payment.last_error_code, payment.last_error_message) == ("generic_decline", "Your card was declined.")
    answer = post_intent(booking)
    assert answer.status_code == 200
    assert answer.json()["last_error"] == {"code": "generic_decline", "message": "Your card was declined."}
    assert answer.json()["id"] == str(payment.pk)
    pay(twin, payment)
    deliver_all(twin, "payment_intent.succeeded")
    payment.refresh_from_db()
    assert (payment.status, payment.last_error_code) == (Status.SUCCEEDED, "")
    assert creates(twin) == 1


def test_three_d_secure(twin, booking):
    payment = begin(booking)
    pay(twin, payment, "pm_card_authenticationRequired")
    deliver_all(twin, "payment_intent.requires_action")
    payment.refresh_from_db()
    assert payment.status == Status.REQUIRES_ACTION
    twin.control(act={"do": "authenticate", "id": payment.provider_ref, "outcome": "pass"})
    deliver_all(twin, "payment_intent.succeeded")
    booking.refresh_from_db()
    assert booking.status == BookingStatus.CONFIRMED


def test_the_balance_is_a_payment_of_its_own(twin, booking):
    pay(twin, begin(booking))
    deliver_all(twin)
    refused = post_intent(booking)
    assert (refused.status_code, refused.json()["code"]) == (409, "already_paid")
    answer = post_intent(booking, purpose="balance")
    assert (answer.status_code, answer.json()["amount"]) == (201, 175_000)
    second = Payment.objects.get(purpose="balance")
    assert second.attempt == 2
    pay(twin, second)
    deliver_all(twin, "payment_intent.succeeded")
    booking.refresh_from_db()
    assert booking.paid_amount == 250_000
    assert ledger_sums() == {"clearing:stripe:KES": 250_000, "revenue:bookings": -250_000}
    assert post_intent(booking, purpose="balance").json()["code"] == "already_paid"
    assert Message.objects.filter(template="payments/receipt").count() == 2


@pytest.mark.parametrize("order", [1, -1])
def test_events_in_any_order_end_alike(twin, booking, order):
    payment = begin(booking)
    with pytest.raises(Exception, match="declined"):
        pay(twin, payment, "pm_card_chargeDeclined")
    pay(twin, payment)
    for event in twin.events()[::order]:
        deliver(event)
    run_due()
    payment.refresh_from_db()
    assert (payment.status, payment.amount_captured, payment.last_error_code) == (Status.SUCCEEDED, 75_000, "")
    assert ledger_sums() == {"clearing:stripe:KES": 75_000, "revenue:bookings": -75_000}
    assert not PaymentEvent.objects.filter(state=EventState.RECEIVED).exists()
