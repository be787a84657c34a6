"""`manage.py reconcile_stripe` on what follows a payment: refunds, disputes, fees and payouts."""

import json

import pytest
from django.db import transaction

from bookings.tests.factories import make_booking, slot_start
from common.clock import db_now
from jobs.models import Job
from jobs.testing import run_due
from payments.actions import apply, looks
from payments.constants import DisputeFunds, DriftKind, RefundState, Status
from payments.models import Dispute, Drift, LedgerEntry, LedgerTransaction, Payment, Refund
from payments.providers.stripe import adapter
from payments.tests.factories import BY, begin, deliver_all, pay, sdk
from payments.tests.test_reconcile import reconcile, rows_of_all_tables

pytestmark = pytest.mark.django_db
AMOUNT = 75_000
FEE = AMOUNT * 29 // 1000 + 30
DISPUTE_FEE = 1500


@pytest.fixture
def paid(twin, booking):
    """A payment of which we know that it arrived, with its fee."""
    payment = begin(booking)
    pay(twin, payment)
    deliver_all(twin)
    payment.refresh_from_db()
    assert payment.status == Status.SUCCEEDED
    return payment


def arrive(payment):
    """Our row learns that the money came, and of nothing that follows it."""
    snapshot = adapter.adapter(background=False).fetch(payment.provider_ref)
    with transaction.atomic():
        apply.apply(payment_id=payment.pk, snapshot=snapshot, by=BY, now=db_now())
    Job.objects.filter(kind="payments.sync").delete()


def sums():
    """The balance of each account, fees among them; accounts at zero are left out."""
    found = {}
    for code, amount in LedgerEntry.objects.values_list("account__code", "amount"):
        found[code] = found.get(code, 0) + amount
    return {code: amount for code, amount in found.items() if amount}


def found(out):
    """Kind, action and beginning of the id of each difference in the command's JSON."""
    return [(one["kind"], one["action"], one["ref"].partition("_")[0]) for one in json.loads(out)["drift"]]


def in_sync_now():
    """A second run finds nothing and writes nothing but its own row."""
    before = Payment.objects.values().get(), LedgerTransaction.objects.count(), Drift.objects.count()
    code, out, _ = reconcile("--json")
    assert (code, found(out), json.loads(out)["repaired"]) == (0, [], 0)
    assert (Payment.objects.values().get(), LedgerTransaction.objects.count(), Drift.objects.count()) == before


def test_a_known_payment_is_in_sync_with_its_fee(twin, paid):
    assert sums() == {"clearing:stripe:KES": AMOUNT - FEE, "revenue:bookings": -AMOUNT, "fees:stripe": FEE}
    in_sync_now()


def test_a_refund_made_in_the_dashboard_is_found(twin, paid):
    refund = sdk(twin).v1.refunds.create({"payment_intent": paid.provider_ref, "amount": 20_000})
    before = rows_of_all_tables()
    code, out, _ = reconcile("--json", "--dry-run")
    assert (code, found(out)) == (3, [("refund_unknown", "would_repair", "re")])
    assert rows_of_all_tables() == before
    code, out, _ = reconcile("--json")
    assert (code, found(out)) == (0, [("refund_unknown", "repaired", "re")])
    paid.refresh_from_db()
    row = Refund.objects.get()
    assert (row.provider_ref, row.amount, row.state, row.origin) == (refund.id, 20_000, "succeeded", "external")
    assert paid.amount_refunded == 20_000
    assert sums()["refunds"] == 20_000
    in_sync_now()


def test_a_row_that_keeps_changing_is_an_error_of_its_own_and_ends_no_run(twin, paid, monkeypatch):
    sdk(twin).v1.refunds.create({"payment_intent": paid.provider_ref, "amount": 30_000})

    def changes_again(**_):
        raise apply.Refetch(paid.provider_ref)

    monkeypatch.setattr(looks, "bring", changes_again)
    code, out, _ = reconcile("--json")
    report = json.loads(out)
    assert (code, report["errors"]) == (4, [f"{paid.provider_ref}: Refetch"])
    assert found(out) == [("refund_unknown", "needs_person", "re")]
    assert Refund.objects.count() == 0


def test_a_refund_that_failed_unheard_is_found(twin, paid):
    refund = sdk(twin).v1.refunds.create({"payment_intent": paid.provider_ref, "amount": 20_000})
    reconcile()
    twin.control(act={"do": "refund_fail", "id": refund.id})
    code, out, _ = reconcile("--json")
    assert (code, found(out)) == (0, [("status_behind", "repaired", "re")])
    paid.refresh_from_db()
    assert (Refund.objects.get().state, paid.amount_refunded) == (RefundState.FAILED, 0)
    assert sums() == {"clearing:stripe:KES": AMOUNT - FEE, "revenue:bookings": -AMOUNT, "fees:stripe": FEE}
    in_sync_now()


def test_a_refund_of_long_ago_that_failed_now_is_found_by_its_event(twin, booking):
    twin.send_webhooks_to("http://127.0.0.1:9/hook")
    twin.control(webhooks={"paused": True}, clock_offset_s=-50 * 3600)
    payment = begin(booking)
    pay(twin, payment)
    refund = sdk(twin).v1.refunds.create({"payment_intent": payment.provider_ref})
    reconcile("--hours", "72")
    assert Refund.objects.get().state == RefundState.SUCCEEDED
    twin.control(clock_offset_s=0)
    Refund.objects.update(created_at=payment.created_at)
    twin.control(act={"do": "refund_fail", "id": refund.id})
    code, out, _ = reconcile("--hours", "3", "--json")
    assert (code, json.loads(out)["scanned"]["refunds"]) == (0, 0)
    assert found(out) == [("status_behind", "repaired", "re")]
    assert Refund.objects.get().state == RefundState.FAILED


def test_more_went_back_than_came(twin, paid):
    refund = sdk(twin).v1.refunds.create({"payment_intent": paid.provider_ref, "amount": 20_000})
    reconcile()
    Refund.objects.filter(provider_ref=refund.id).update(amount=AMOUNT + 1)
    code, out, _ = reconcile("--json")
    assert code == 3
    assert found(out) == [("amount_mismatch", "needs_person", "re"), ("over_refunded", "needs_person", "pi")]


def test_a_dispute_nobody_told_of_is_found_and_followed_to_its_end(twin, booking):
    payment = begin(booking)
    pay(twin, payment, "pm_card_createDispute")
    arrive(payment)
    assert Dispute.objects.count() == 0
    code, out, _ = reconcile("--json")
    assert (code, found(out)) == (0, [("dispute_unknown", "repaired", "dp")])
    dispute = Dispute.objects.get()
    assert (dispute.status, dispute.funds, dispute.amount) == ("needs_response", DisputeFunds.WITHDRAWN, AMOUNT)
    assert sums() == {
        "clearing:stripe:KES": -FEE - DISPUTE_FEE, "dispute_hold": AMOUNT, "fees:stripe": FEE + DISPUTE_FEE,
        "revenue:bookings": -AMOUNT,
    }  # fmt: skip
    twin.control(act={"do": "dispute_close", "id": dispute.provider_ref, "outcome": "won"})
    code, out, _ = reconcile("--json")
    assert (code, found(out)) == (0, [("status_behind", "repaired", "dp")])
    dispute.refresh_from_db()
    payment.refresh_from_db()
    assert (dispute.status, dispute.funds, payment.amount_disputed) == ("won", DisputeFunds.REINSTATED, 0)
    assert sums() == {
        "clearing:stripe:KES": AMOUNT - FEE - DISPUTE_FEE, "fees:stripe": FEE + DISPUTE_FEE,
        "revenue:bookings": -AMOUNT,
    }  # fmt: skip
    in_sync_now()


def test_a_disputed_amount_that_the_bank_changed_is_followed_by_the_ledger(twin, booking):
    payment = begin(booking)
    pay(twin, payment, "pm_card_createDispute")
    deliver_all(twin)
    store = twin._service.store
    with store.lock:
        (dispute,) = store.all("disputes")
        store.put("disputes", dispute | {"amount": 60_000})
    code, out, _ = reconcile("--json")
    assert (code, found(out)) == (0, [("status_behind", "repaired", "dp")])
    payment.refresh_from_db()
    assert (Dispute.objects.get().amount, payment.amount_disputed) == (60_000, 60_000)
    assert (sums()["dispute_hold"], sums()["clearing:stripe:KES"]) == (60_000, 15_000 - FEE - DISPUTE_FEE)
    in_sync_now()


def test_a_strangers_dispute_is_not_ours(twin, paid):
    payment = begin(make_booking(paid.booking.service.booking_offer, slot_start(14)))
    pay(twin, payment)
    deliver_all(twin, "payment_intent.succeeded")
    run_due()
    other = sdk(twin).v1.payment_intents.create(
        {"amount": 5000, "currency": "usd", "payment_method": "pm_card_createDispute", "confirm": True,
         "return_url": "http://localhost/"}
    )  # fmt: skip
    code, out, _ = reconcile("--json")
    assert (code, found(out)) == (0, [])  # a stranger's
    assert sdk(twin).v1.disputes.list({"payment_intent": other.id}).data[0].amount == 5000


def test_a_missing_fee_is_booked(twin, booking):
    payment = begin(booking)
    pay(twin, payment)
    arrive(payment)
    assert sums() == {"clearing:stripe:KES": AMOUNT, "revenue:bookings": -AMOUNT}
    code, out, _ = reconcile("--json")
    assert (code, found(out)) == (0, [("fee_missing", "repaired", "txn")])
    assert sums()["fees:stripe"] == FEE
    in_sync_now()


def test_a_payout_is_booked_and_its_sum_checked(twin, paid):
    twin.control(act={"do": "payout", "currency": "kes"})
    code, out, _ = reconcile("--json")
    assert (code, found(out)) == (0, [("status_behind", "repaired", "po")])
    assert sums() == {"bank": AMOUNT - FEE, "revenue:bookings": -AMOUNT, "fees:stripe": FEE}
    in_sync_now()
    payout = sdk(twin).v1.payouts.list().data[0]
    twin.control(act={"do": "payout_fail", "id": payout.id})
    code, out, _ = reconcile("--json")
    assert (code, found(out)) == (0, [("status_behind", "repaired", "po")])
    assert sums() == {"clearing:stripe:KES": AMOUNT - FEE, "revenue:bookings": -AMOUNT, "fees:stripe": FEE}
    in_sync_now()


def test_a_payout_that_does_not_add_up_needs_a_person(twin, paid):
    twin.control(act={"do": "payout", "currency": "kes"})
    store = twin._service.store
    with store.lock:
        (payout,) = store.all("payouts")
        payout["amount"] += 7
        store.put("payouts", payout)
    code, out, _ = reconcile("--json")
    assert code == 3
    drift = Drift.objects.get(kind=DriftKind.PAYOUT_SUM)
    assert (drift.local["sum"], drift.remote["amount"]) == (AMOUNT - FEE, AMOUNT - FEE + 7)
    assert ("payout_sum", "needs_person", "po") in found(out)
