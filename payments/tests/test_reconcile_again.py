"""Differences that stay open: each closes itself when it is gone, only then, and is a new one when it comes back."""

import pytest
from django.core.management import CommandError

from audit.models import AuditEvent
from bookings.tests.factories import make_booking, make_offer, slot_start
from common.clock import db_now, shift
from common.instants import instant
from payments.actions import drifts, reviews, vanishing
from payments.constants import DriftKind, Severity, Status
from payments.models import Drift, Payment, ReconciliationRun, Refund
from payments.tests.factories import BY, begin, deliver_all, make_payment, pay, sdk
from payments.tests.test_reconcile import reconcile, rows_of_all_tables

pytestmark = pytest.mark.django_db


@pytest.fixture
def wrong(twin, booking):
    """A payment of ours over another amount than Stripe's, which a run has found."""
    payment = begin(booking)
    Payment.objects.update(amount=74_000)
    assert reconcile()[0] == 3
    return payment


def mend():
    Payment.objects.update(amount=75_000)


def waiting():
    return list(Drift.objects.filter(resolved_at__isnull=True).order_by("kind").values_list("kind", flat=True))


def open_drift(kind, payment):
    """A row that an earlier run left."""
    now = db_now()
    run = ReconciliationRun.objects.create(
        provider="stripe", started_by="x", window_from=now, window_until=now, started_at=now
    )
    Drift.objects.create(
        run=run, kind=kind, severity=Severity.WARNING, provider="stripe", provider_ref=payment.provider_ref,
        payment=payment, action="needs_person", created_at=now,
    )  # fmt: skip


def test_it_closes_itself_says_why_and_comes_back_as_a_new_one(wrong):
    mend()
    code, out, _ = reconcile()
    drift = Drift.objects.get()
    assert (code, out.splitlines()[0]) == (0, "In sync: nothing to do.")
    assert out.splitlines()[3] == "1 difference that earlier runs had left open: gone now, and closed."
    assert (drift.resolved_by, drift.note) == ("reconcile", drifts.GONE)
    assert ReconciliationRun.objects.order_by("-started_at").first().counters["vanished"] == 1
    event = AuditEvent.objects.get(action="drift.vanished")
    assert (event.target_id, event.actor_kind, event.reason) == (str(drift.pk), "operator", drifts.GONE)
    assert event.after == {"kind": "amount_mismatch", "provider_ref": wrong.provider_ref}
    before = drift.resolved_at
    reconcile()
    drift.refresh_from_db()
    assert (drift.resolved_at, AuditEvent.objects.filter(action="drift.vanished").count()) == (before, 1)
    Payment.objects.update(amount=74_000)
    assert reconcile()[0] == 3
    assert (Drift.objects.count(), waiting()) == (2, ["amount_mismatch"])


def test_a_dry_run_closes_nothing(wrong):
    mend()
    before = rows_of_all_tables()
    assert reconcile("--dry-run")[0] == 0
    assert rows_of_all_tables() == before


def test_what_no_list_shows_any_more_is_asked_for_by_itself(twin, booking):
    twin.control(clock_offset_s=-30 * 3600)
    payment = begin(booking)
    pay(twin, payment)
    deliver_all(twin)
    twin.control(clock_offset_s=0)
    Payment.objects.update(amount=74_000)
    assert reconcile("--hours", "72")[0] == 3
    assert (reconcile("--hours", "2")[0], waiting()) == (0, ["amount_mismatch"])
    mend()
    twin.control(
        faults=[{"fault": "500", "method": "GET", "path": f"/v1/payment_intents/{payment.provider_ref}", "times": 99}]
    )
    assert (reconcile("--hours", "2")[0], waiting()) == (0, ["amount_mismatch"])
    twin.control(faults=[])
    assert (reconcile("--payment", payment.provider_ref)[0], waiting()) == (0, [])


def test_money_that_staff_must_decide_on_waits_for_them(twin):
    offer = make_offer()
    booking = make_booking(offer, slot_start(9))
    payment = begin(booking)
    pay(twin, payment, "pm_twin_webhookLost")
    with shift(16 * 60):
        make_booking(offer, booking.starts_at)
    assert reconcile()[0] == 3
    assert (reconcile()[0], waiting()) == (0, ["paid_after_close"])
    reviews.settle(payment_id=payment.pk, by=BY)
    assert (reconcile()[0], waiting()) == (0, [])


def test_what_a_run_repairs_is_closed_with_it(twin, booking):
    payment = begin(booking)
    pay(twin, payment, "pm_twin_webhookLost")
    open_drift(DriftKind.STATUS_BEHIND, payment)
    assert reconcile()[0] == 0
    payment.refresh_from_db()
    assert (payment.status, waiting(), Drift.objects.filter(resolved_by="reconcile").count()) == (
        Status.SUCCEEDED, [], 2,
    )  # fmt: skip


def test_refunds_and_payouts_that_agree_again(twin, booking):
    payment = begin(booking)
    pay(twin, payment)
    deliver_all(twin)
    refund = sdk(twin).v1.refunds.create({"payment_intent": payment.provider_ref, "amount": 20_000})
    twin.control(act={"do": "payout", "currency": "kes"})
    store = twin._service.store
    with store.lock:
        (payout,) = store.all("payouts")
        payout["amount"] += 7
        store.put("payouts", payout)
    reconcile()
    Refund.objects.filter(provider_ref=refund.id).update(amount=80_000)
    assert reconcile()[0] == 3
    assert waiting() == ["amount_mismatch", "over_refunded", "payout_sum"]
    Refund.objects.filter(provider_ref=refund.id).update(amount=20_000)
    with store.lock:
        payout["amount"] -= 7
        store.put("payouts", payout)
    assert (reconcile()[0], waiting()) == (0, [])


def test_what_was_only_here_and_what_only_stripe_knew(twin, booking):
    payment = make_payment(booking, provider_ref="pi_gone")
    metadata = {"payment_id": str(booking.pk), "booking_id": "0193a000-0000-7000-8000-000000000000"}
    intents = sdk(twin).v1.payment_intents
    made = intents.create({"amount": 5_000, "currency": "usd", "metadata": metadata})
    assert reconcile()[0] == 3
    assert waiting() == ["missing_local", "missing_remote"]
    Payment.objects.update(status=Status.CANCELED)  # no longer looked for, and still not there
    intents.update(made.id, {"metadata": {"payment_id": "", "booking_id": ""}})
    assert (reconcile()[0], waiting()) == (0, ["missing_remote"])
    assert Drift.objects.get(kind="missing_remote").payment_id == payment.pk


def test_rows_of_the_other_mode_are_not_judged_by_this_key(twin, booking):
    payment = make_payment(booking, livemode=True, provider_ref="pi_live", status=Status.SUCCEEDED)
    open_drift(DriftKind.AMOUNT_MISMATCH, payment)
    assert (reconcile()[0], waiting()) == (0, ["amount_mismatch"])


def test_of_many_each_run_asks_for_some_and_all_get_their_turn(twin, booking, monkeypatch):
    monkeypatch.setattr(vanishing, "MOST_ASKED", 2)
    unknown = make_payment(booking, provider_ref="pi_gone", status=Status.CANCELED)
    payment = begin(booking)
    for kind in (DriftKind.MISSING_REMOTE, DriftKind.AMOUNT_MISMATCH):
        open_drift(kind, unknown)  # stays, and is the oldest
    for kind in (DriftKind.AMOUNT_MISMATCH, DriftKind.STATUS_BEHIND, DriftKind.OVER_REFUNDED):
        open_drift(kind, payment)
    left = []
    for _ in range(3):
        reconcile()
        reconcile("--payment", "pi_gone")  # is about one alone, and takes nobody's turn
        left.append(len(waiting()))
    assert left == [5, 3, 2]
    assert set(Drift.objects.filter(resolved_at=None).values_list("provider_ref", flat=True)) == {"pi_gone"}


class TestTheWindow:
    @pytest.mark.parametrize("flags", [["--until", "2099-01-01T00:00:00Z"], ["--since", "2099-01-01T00:00:00Z"]])
    def test_one_that_lies_in_the_future_is_refused(self, twin, booking, flags):
        with pytest.raises(CommandError) as caught:
            reconcile(*flags)
        assert caught.value.returncode == 2
        assert ReconciliationRun.objects.count() == 0

    def test_the_future_has_a_sentence_of_its_own(self, twin, booking):
        with pytest.raises(CommandError, match="The window lies in the future: nothing has happened in it yet"):
            reconcile("--until", "2099-01-01T00:00:00Z")

    def test_one_that_reaches_into_the_future_ends_now(self, twin, booking):
        begin(booking)
        since = instant(db_now())
        code, out, _ = reconcile("--since", since, "--until", "2099-01-01T00:00:00Z")
        assert code == 0
        assert out.splitlines()[1].startswith(f"{since} to {instant(db_now())[:13]}")
        assert "at Stripe 1 payments" in out
