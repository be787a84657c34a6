"""The buttons of the money's pages: refund, receipt, replay, resolve; filters, countdown, query budgets."""

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import Session
from accounts.tests.factories import make_user, open_admin
from audit.models import AuditEvent
from bookings.actions import cancellation
from common.clock import db_now
from common.ids import uuid7
from jobs.testing import run_due
from payments.actions import offline
from payments.admin.shown import countdown
from payments.constants import DisputeStatus, EventState, Status
from payments.models import Drift, Payment, PaymentEvent, ReconciliationRun, Refund
from payments.tests.factories import BY, begin, deliver_all, make_dispute, make_payment, make_refund, pay

pytestmark = pytest.mark.django_db


def signed_in(role, *, lately=True):
    user = make_user(f"{role.lower()}{Session.objects.count()}@example.com", held=(role,))
    client = Client()
    client.force_login(user)
    open_admin(client, user)
    Session.objects.filter(user=user).update(reauth_at=db_now() - timedelta(seconds=0 if lately else 301))
    return client


@pytest.fixture
def paid(twin, booking):
    pay(twin, begin(booking))
    deliver_all(twin)
    return Payment.objects.get()


def refund_page(payment):
    return f"/admin/payments/payment/{payment.pk}/action/refund/"


def values(amount="200.00", **more):
    return {"amount": amount, "reason": "duplicate", "note": "Asked by phone", "once": str(uuid7())} | more


def test_a_refund_is_asked_on_a_page_of_its_own(paid):
    sales = signed_in("Sales")
    assert f'href="{refund_page(paid)}"' in sales.get(f"/admin/payments/payment/{paid.pk}/change/").content.decode()
    page = sales.get(refund_page(paid)).content.decode()
    assert 'value="750.00"' in page
    assert f"At most KES 750.00; it goes to Brian Mwangi, booking {paid.booking.reference}." in page
    assert "receipt" not in page
    answer = sales.post(refund_page(paid), values(), follow=True)
    assert "KES 200.00: Refunded." in answer.content.decode()
    refund = Refund.objects.get()
    assert (refund.amount, refund.reason, refund.note) == (20_000, "duplicate", "Asked by phone")
    assert AuditEvent.objects.get(action="refund.requested").actor_kind == "staff"


def test_a_double_click_is_one_refund(twin, paid):
    sales, same = signed_in("Sales"), values()
    for _ in range(2):
        assert sales.post(refund_page(paid), same).status_code == 302
    assert Refund.objects.count() == 1
    assert twin.control()["objects"]["refunds"] == 1


@pytest.mark.parametrize(
    ("amount", "words"),
    [("750.01", "more than can be paid back"), ("0", "greater than or equal"), ("1.005", "no such small part"),
     ("much", "Enter a number")],
)  # fmt: skip
def test_an_amount_that_cannot_be(twin, paid, amount, words):
    page = signed_in("Sales").post(refund_page(paid), values(amount)).content.decode()
    assert words in page
    assert "Asked by phone" in page, "what was typed is kept"
    assert Refund.objects.count() == 0


def test_an_old_sign_in_confirms_first(twin, paid):
    sales = signed_in("Sales", lately=False)
    assert sales.get(refund_page(paid)).status_code == 302
    page = sales.post(refund_page(paid), values())
    assert (page.status_code, "Asked by phone" in page.content.decode()) == (200, True)
    assert Refund.objects.count() == 0


def test_who_may_not_refund(paid):
    auditor = signed_in("Auditor")
    assert refund_page(paid) not in auditor.get(f"/admin/payments/payment/{paid.pk}/change/").content.decode()
    assert auditor.post(refund_page(paid), values()).status_code in {403, 405}
    assert Refund.objects.count() == 0


@pytest.mark.parametrize("change", [{"status": Status.PROCESSING}, {"dispute_state": "open"}, {"amount_captured": 0}])
def test_what_cannot_be_refunded_has_no_button(booking, change):
    payment = make_payment(booking, **{"status": Status.SUCCEEDED, "amount_captured": 75_000} | change)
    page = signed_in("Owner").get(f"/admin/payments/payment/{payment.pk}/change/").content.decode()
    assert refund_page(payment) not in page


def test_cash_goes_back_with_its_receipt(booking):
    received = offline.Received(booking.pk, 75_000, "cash", "In 1")
    payment = offline.record_payment(received=received, by=BY)
    sales = signed_in("Sales")
    assert "Number of the receipt" in sales.get(refund_page(payment)).content.decode()
    assert sales.post(refund_page(payment), values()).status_code == 200
    assert sales.post(refund_page(payment), values(receipt="Out 1")).status_code == 302
    assert Refund.objects.get().provider_ref == "Out 1"
    assert "Cash: In 1" in sales.get(f"/admin/payments/payment/{payment.pk}/change/").content.decode()


def test_a_refund_that_waits_for_its_receipt(booking):
    offline.record_payment(received=offline.Received(booking.pk, 75_000, "cash", "In 1"), by=BY)
    cancellation.cancel(booking_id=booking.pk, by=BY)
    run_due()
    refund, sales = Refund.objects.get(), signed_in("Sales")
    page = f"/admin/payments/refund/{refund.pk}/"
    assert str(refund.pk) in sales.get("/admin/payments/refund/?by_hand=yes").content.decode()
    assert sales.post(f"{page}action/receipt/", {"receipt": "Out 1"}).status_code == 302
    refund.refresh_from_db()
    assert (refund.state, refund.provider_ref) == ("succeeded", "Out 1")
    assert "action/receipt/" not in sales.get(f"{page}change/").content.decode()
    assert str(refund.pk) not in sales.get("/admin/payments/refund/?by_hand=yes").content.decode()


def test_replay(twin, paid):
    event = PaymentEvent.objects.get(type="payment_intent.succeeded")
    owner = signed_in("Owner")
    address = f"/admin/payments/paymentevent/{event.pk}/action/replay/"
    assert owner.get(address).status_code == 405
    assert signed_in("Sales").post(address).status_code == 403
    owner.post(address)
    event.refresh_from_db()
    assert event.state == EventState.RECEIVED
    assert AuditEvent.objects.filter(action="payment.event_replayed", actor_kind="staff").count() == 1
    run_due()
    event.refresh_from_db()
    assert (event.state, event.outcome) == (EventState.PROCESSED, "unchanged")


def test_a_difference_is_resolved_with_a_note(booking):
    now = db_now()
    run = ReconciliationRun.objects.create(
        provider="stripe", started_by="t", window_from=now, window_until=now, started_at=now
    )
    drift = Drift.objects.create(
        run=run, kind="missing_local", severity="critical", provider="stripe", provider_ref="pi_1",
        action="needs_person", created_at=now,
    )  # fmt: skip
    owner = signed_in("Owner")
    address = f"/admin/payments/drift/{drift.pk}/action/resolve/"
    assert "required" in owner.post(address, {"note": " "}).content.decode()
    drift.refresh_from_db()
    assert drift.resolved_at is None
    assert owner.post(address, {"note": "Refunded by hand"}).status_code == 302
    drift.refresh_from_db()
    assert (drift.note, drift.resolved_by.split(":")[0]) == ("Refunded by hand", "staff")
    assert AuditEvent.objects.filter(action="drift.resolved").count() == 1
    assert address not in owner.get(f"/admin/payments/drift/{drift.pk}/change/").content.decode()
    assert signed_in("Sales").post(address, {"note": "x"}).status_code in {403, 405}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("status__exact=succeeded", 2), ("status__exact=canceled", 1), ("provider__exact=offline", 1),
        ("livemode__exact=1", 0), ("review_reason__exact=duplicate_payment", 1), ("dispute_state__exact=open", 1),
        ("review=yes", 1), ("created_at__gte=2999-01-01T00:00:00Z", 0), ("q=Brian", 3), ("q=pi_7", 1),
    ],
)  # fmt: skip
def test_filters_and_search(booking, query, found):
    make_payment(booking, status=Status.SUCCEEDED, review_reason="duplicate_payment", is_current=False)
    make_payment(booking, status=Status.SUCCEEDED, provider="offline", dispute_state="open")
    make_payment(booking, status=Status.CANCELED, provider_ref="pi_7")
    page = signed_in("Auditor").get(f"/admin/payments/payment/?{query}").content.decode()
    assert page.count('class="field-booking_link') == found


@pytest.mark.parametrize("model", ["payment", "refund", "dispute", "paymentevent", "ledgertransaction"])
def test_lists_and_pages_cost_the_same_for_many_rows(twin, booking, model, django_assert_max_num_queries):
    pay(twin, begin(booking), "pm_card_createDispute")
    deliver_all(twin)
    payment = Payment.objects.get()
    for number in range(12):
        make_refund(payment, amount=1, provider_ref=f"re_{number}")
        make_dispute(payment, provider_ref=f"dp_x{number}")
        make_payment(booking, is_current=False, attempt=100 + number, purpose="balance")
    owner = signed_in("Owner")
    owner.get("/admin/")
    with django_assert_max_num_queries(15):
        assert owner.get(f"/admin/payments/{model}/").status_code == 200
    if model == "payment":
        with django_assert_max_num_queries(15):
            assert owner.get(f"/admin/payments/payment/{payment.pk}/change/").status_code == 200


@pytest.mark.parametrize(
    ("hours", "words"), [(50, "2 days"), (25, "1 day"), (3, "2 hours"), (0.5, "0 hours"), (-2, "over since")]
)
def test_the_countdown(booking, hours, words):
    payment = make_payment(booking)
    due = db_now() + timedelta(hours=hours)
    assert words in countdown(make_dispute(payment, evidence_due_by=due))
    assert countdown(make_dispute(payment)) == "\u2013"
    closed = make_dispute(payment, status=DisputeStatus.LOST, closed_at=db_now(), evidence_due_by=due)
    assert countdown(closed) == "\u2013"


@pytest.mark.parametrize(
    ("mode", "livemode", "href"),
    [
        ("live", True, "https://dashboard.stripe.com/payments/pi_9"),
        ("test", False, "https://dashboard.stripe.com/test/payments/pi_9"),
        ("twin", False, ""),
    ],
)
def test_the_providers_dashboard(booking, settings, mode, livemode, href):
    settings.PAYMENTS_MODE = mode
    payment = make_payment(booking, provider_ref="pi_9", livemode=livemode)
    page = signed_in("Auditor").get(f"/admin/payments/payment/{payment.pk}/change/").content.decode()
    assert ("dashboard.stripe.com" in page) is bool(href)
    assert href in page
    assert ("No real money moves here" in page) is (mode != "live")
