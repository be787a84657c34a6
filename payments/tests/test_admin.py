"""The money's part of the admin."""

import pytest
from django.test import Client

from accounts.tests.factories import make_user
from audit.models import AuditEvent
from backoffice.selectors import NEEDS
from bookings.actions import cancellation
from common.clock import shift
from jobs.models import Job
from jobs.testing import run_due
from payments import selectors
from payments.constants import Status
from payments.models import Drift, LedgerTransaction, Payment, PaymentEvent, ReconciliationRun, Refund
from payments.tests.factories import BY, begin, deliver_all, pay, sdk

pytestmark = pytest.mark.django_db


def signed_in(*held):
    user = make_user(f"{held[0].lower()}@example.com", held=held)
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def paid(twin, booking):
    payment = begin(booking)
    pay(twin, payment)
    deliver_all(twin)
    payment.refresh_from_db()
    return payment


def test_the_list_and_the_page(paid, django_assert_max_num_queries):
    owner = signed_in("Owner")
    with django_assert_max_num_queries(15):
        listing = owner.get("/admin/payments/payment/").content.decode()
    assert "KES 750.00" in listing
    assert "Brian Mwangi" in listing
    page = owner.get(f"/admin/payments/payment/{paid.pk}/change/").content.decode()
    for words in (paid.provider_ref, f"pay_{paid.pk}:create:1", "payment_intent.succeeded", "clearing:stripe:KES",
                  "payment.succeeded", "Sync from provider", "Reconcile now", "Test: no real money"):  # fmt: skip
        assert words in page, words
    assert "Mark as looked at" not in page
    assert "_secret_" not in page


@pytest.mark.parametrize("search", ["Brian", "brian@example.org", "pi_"])
def test_search(paid, search):
    assert f"/admin/payments/payment/{paid.pk}/change/" in (
        signed_in("Owner").get("/admin/payments/payment/", {"q": search}).content.decode()
    )


def test_every_page_of_the_money_opens(twin, booking, paid):
    cancellation.cancel(booking_id=booking.pk, by=BY)
    run_due()
    sdk(twin).v1.payment_intents.create(
        {"amount": 5000, "currency": "usd", "metadata": {"payment_id": str(booking.pk), "booking_id": str(paid.pk)}}
    )
    owner = signed_in("Owner")
    owner.post(f"/admin/payments/payment/{paid.pk}/action/reconcile/")
    with shift(120):
        run_due()
    for model in (Payment, PaymentEvent, Refund, LedgerTransaction, ReconciliationRun, Drift):
        name = model._meta.model_name
        assert owner.get(f"/admin/payments/{name}/").status_code == 200
        row = model.objects.first()
        assert row is not None, name
        assert owner.get(f"/admin/payments/{name}/{row.pk}/change/").status_code == 200
        by_hand = 200 if model is Payment else 403
        assert owner.get(f"/admin/payments/{name}/add/").status_code == by_hand
        assert owner.post(f"/admin/payments/{name}/{row.pk}/delete/", {"post": "yes"}).status_code == 403


def test_payloads_are_masked(twin, booking, paid):
    event = PaymentEvent.objects.get(type="payment_intent.succeeded")
    event.payload["data"]["object"]["receipt_email"] = "canary@example.org"
    event.save(update_fields=["payload"])
    page = signed_in("Owner").get(f"/admin/payments/paymentevent/{event.pk}/change/").content.decode()
    assert "••••" in page
    assert "canary@example.org" not in page
    assert "_secret_" not in page


def test_sync_heals_a_lost_webhook(twin, booking):
    payment = begin(booking)
    pay(twin, payment, "pm_twin_webhookLost")
    owner = signed_in("Owner")
    answer = owner.post(f"/admin/payments/payment/{payment.pk}/action/sync/", follow=True)
    assert "This is how it stands at the provider: Paid." in answer.content.decode()
    payment.refresh_from_db()
    assert payment.status == Status.SUCCEEDED
    event = AuditEvent.objects.get(action="payment.synced")
    assert (event.actor_kind, event.target_id) == ("staff", str(payment.pk))


def test_sync_says_when_the_provider_is_away(twin, booking):
    payment = begin(booking)
    twin.stop()
    answer = signed_in("Owner").post(f"/admin/payments/payment/{payment.pk}/action/sync/", follow=True)
    assert "The payment provider does not answer." in answer.content.decode()
    assert not AuditEvent.objects.filter(action="payment.synced").exists()


def test_reconcile_now(twin, booking):
    payment = begin(booking)
    pay(twin, payment, "pm_twin_webhookLost")
    signed_in("Owner").post(f"/admin/payments/payment/{payment.pk}/action/reconcile/")
    assert Job.objects.get(kind="payments.reconcile").args == {"window_hours": 24}
    with shift(120):
        run_due()
    payment.refresh_from_db()
    assert payment.status == Status.SUCCEEDED


def test_buttons_only_by_post_and_by_permission(paid):
    address = f"/admin/payments/payment/{paid.pk}/action/sync/"
    assert signed_in("Owner").get(address).status_code == 405
    auditor = signed_in("Auditor")
    assert auditor.get(f"/admin/payments/payment/{paid.pk}/change/").status_code == 200
    assert auditor.post(address).status_code == 403
    assert signed_in("Author").get("/admin/payments/payment/").status_code == 403


def test_what_waits_is_on_the_start_page(paid):
    assert selectors.needs_you in NEEDS
    Payment.objects.update(review_reason="paid_after_close")
    owner = signed_in("Owner")
    assert [one.count for one in selectors.needs_you()] == [1, 0, 0, 0, 0]
    assert (
        f"/admin/payments/payment/{paid.pk}/change/"
        in owner.get("/admin/payments/payment/?review=yes").content.decode()
    )
    owner.post(f"/admin/payments/payment/{paid.pk}/action/settle/")
    assert [one.count for one in selectors.needs_you()] == [0, 0, 0, 0, 0]
    assert AuditEvent.objects.filter(action="payment.reviewed", actor_kind="staff").count() == 1
    assert "/admin/payments/payment/" not in [one.url for one in selectors.needs_you() if one.count]


def test_health(settings):
    assert (selectors.health().status, selectors.health().details) == ("ok", {"mode": "twin"})
    settings.STRIPE_WEBHOOK_SECRET = []
    assert (selectors.health().status, selectors.health().reason) == ("degraded", "webhook_secret_missing")
    settings.PAYMENTS_MODE = "off"
    assert selectors.health().details == {"mode": "off"}
