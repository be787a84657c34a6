"""Disputes: every event, in any order, ends in the rows and postings that the provider's dispute shows."""

import itertools
from datetime import timedelta

import pytest
from django.db import transaction

from audit.models import AuditEvent
from common.clock import db_now
from jobs.models import Job
from jobs.testing import run_due
from mail.models import Message
from payments.actions import disputes
from payments.constants import DisputeFunds, DisputeState, DisputeStatus, Status
from payments.models import Dispute, LedgerTransaction, Payment
from payments.providers.protocol import DisputeSnapshot
from payments.selectors import payment_state, refundable
from payments.tests.factories import BY, begin, deliver, deliver_all, ledger_sums, make_dispute, make_payment, pay

pytestmark = pytest.mark.django_db
CARD, INQUIRY = "pm_card_createDispute", "pm_card_createDisputeInquiry"


@pytest.fixture
def disputed(twin, booking, settings):
    """A payment that its customer's bank disputed at once."""
    settings.ALERT_EMAIL = ["money@example.org"]
    pay(twin, begin(booking), CARD)
    deliver_all(twin)
    return Payment.objects.get()


def alerts(code):
    return Job.objects.filter(kind="mail.alert", args__code=code).count()


def close(twin, outcome):
    twin.control(act={"do": "dispute_close", "id": Dispute.objects.get().provider_ref, "outcome": outcome})
    deliver_all(twin)


def test_one_that_is_opened(booking, disputed):
    dispute = Dispute.objects.get()
    assert (dispute.payment, dispute.amount, dispute.currency, dispute.status, dispute.funds, dispute.reason) == (
        disputed, 75_000, "KES", DisputeStatus.NEEDS_RESPONSE, DisputeFunds.WITHDRAWN, "fraudulent",
    )  # fmt: skip
    assert dispute.evidence_due_by > db_now()
    assert dispute.closed_at is None
    assert (disputed.status, disputed.dispute_state, disputed.amount_disputed) == (
        Status.SUCCEEDED, DisputeState.OPEN, 75_000,
    )  # fmt: skip
    assert (payment_state(disputed), refundable(disputed)) == ("disputed", 0)
    assert ledger_sums() == {"clearing:stripe:KES": 0, "revenue:bookings": -75_000, "dispute_hold": 75_000}
    assert alerts("dispute_opened") == 1
    assert Message.objects.filter(template="mail/alert", context__code="dispute_opened").count() == 1
    assert list(AuditEvent.objects.filter(action__startswith="dispute.").values_list("action", flat=True)) == [
        "dispute.opened"
    ]
    booking.refresh_from_db()
    assert (booking.paid_amount, booking.refunded_amount) == (75_000, 0)


def test_the_fees_of_both(disputed):
    fees = LedgerTransaction.objects.filter(kind="fee", payment=disputed)
    assert fees.count() == 2
    assert ledger_sums(fees=True)["fees:stripe"] == 2_205 + 1_500


def test_one_that_is_won(twin, disputed):
    close(twin, "won")
    disputed.refresh_from_db()
    dispute = Dispute.objects.get()
    assert (dispute.status, dispute.funds) == (DisputeStatus.WON, DisputeFunds.REINSTATED)
    assert dispute.closed_at is not None
    assert (disputed.dispute_state, disputed.amount_disputed, refundable(disputed)) == (DisputeState.WON, 0, 75_000)
    assert payment_state(disputed) == "paid"
    assert ledger_sums() == {"clearing:stripe:KES": 75_000, "revenue:bookings": -75_000, "dispute_hold": 0}


def test_one_that_is_lost(twin, disputed):
    close(twin, "lost")
    disputed.refresh_from_db()
    assert (Dispute.objects.get().status, Dispute.objects.get().funds) == (DisputeStatus.LOST, DisputeFunds.WITHDRAWN)
    assert (disputed.dispute_state, disputed.amount_disputed, refundable(disputed)) == (DisputeState.LOST, 75_000, 0)
    assert payment_state(disputed) == "charged_back"
    assert ledger_sums() == {
        "clearing:stripe:KES": 0, "revenue:bookings": -75_000, "dispute_hold": 0, "losses": 75_000,
    }  # fmt: skip


def test_an_inquiry_moves_no_money(twin, booking):
    pay(twin, begin(booking), INQUIRY)
    deliver_all(twin)
    payment, dispute = Payment.objects.get(), Dispute.objects.get()
    assert (dispute.status, dispute.funds) == (DisputeStatus.WARNING_NEEDS_RESPONSE, DisputeFunds.NONE)
    assert (payment.dispute_state, payment.amount_disputed) == (DisputeState.INQUIRY, 0)
    assert (payment_state(payment), refundable(payment)) == ("paid", 75_000)
    assert ledger_sums() == {"clearing:stripe:KES": 75_000, "revenue:bookings": -75_000}
    assert alerts("dispute_opened") == 1
    close(twin, "won")
    payment.refresh_from_db()
    assert (Dispute.objects.get().status, payment.dispute_state) == (DisputeStatus.WARNING_CLOSED, DisputeState.NONE)
    assert LedgerTransaction.objects.exclude(kind="fee").count() == 1


def test_every_order_of_the_events_ends_alike(twin, booking):
    """All 24 orders, each event twice: the provider shows one dispute, so the rows can only end in one way."""
    payment = begin(booking)
    pay(twin, payment, CARD)
    dispute = next(event for event in twin.events("charge.dispute.created"))["data"]["object"]["id"]
    twin.control(act={"do": "dispute_close", "id": dispute, "outcome": "lost"})
    told = [event for event in twin.events() if event["type"].startswith(("charge.dispute", "payment_intent.succ"))]
    kinds = [event["type"] for event in told]
    assert sorted(kinds) == [
        "charge.dispute.closed", "charge.dispute.created", "charge.dispute.funds_withdrawn", "payment_intent.succeeded",
    ]  # fmt: skip
    for turn, order in enumerate(itertools.permutations(told)):
        for number, event in enumerate((*order, *order)):
            assert deliver(event | {"id": f"{event['id']}_{turn}_{number}"}).status_code == 200
        run_due()
        row = Payment.objects.get()
        assert (row.status, row.dispute_state, row.amount_disputed) == (Status.SUCCEEDED, DisputeState.LOST, 75_000)
    assert Dispute.objects.count() == 1
    assert ledger_sums() == {
        "clearing:stripe:KES": 0, "revenue:bookings": -75_000, "dispute_hold": 0, "losses": 75_000,
    }  # fmt: skip
    assert LedgerTransaction.objects.exclude(kind="fee").count() == 3
    assert AuditEvent.objects.filter(action="dispute.opened").count() == 1


def shown(ref="dp_1", **values):
    defaults = {
        "ref": ref, "status": DisputeStatus.NEEDS_RESPONSE, "funds": DisputeFunds.WITHDRAWN, "amount": 500,
        "currency": "KES", "payment_ref": "pi_1", "opened_at": db_now(),
    }  # fmt: skip
    return DisputeSnapshot(**(defaults | values))


@pytest.fixture
def arrived(booking):
    return make_payment(booking, status=Status.SUCCEEDED, amount_captured=75_000, provider_ref="pi_1")


def bring(payment, *found):
    with transaction.atomic():
        disputes.apply_set(payment_id=payment.pk, found=found, by=BY, now=db_now())
    payment.refresh_from_db()
    return payment


@pytest.mark.parametrize(
    "older",
    [{"status": DisputeStatus.UNDER_REVIEW}, {"funds": DisputeFunds.WITHDRAWN}, {"funds": DisputeFunds.NONE}],
)
def test_a_picture_from_before_changes_nothing(arrived, older):
    won = {"status": DisputeStatus.WON, "funds": DisputeFunds.REINSTATED}
    done = bring(arrived, shown(**won))
    again = bring(arrived, shown(**won | older))
    assert (again.dispute_state, again.amount_disputed, again.lock_version) == (DisputeState.WON, 0, done.lock_version)
    assert (Dispute.objects.get().status, Dispute.objects.get().funds) == (won["status"], won["funds"])


def test_two_disputes_of_one_payment_are_counted_together(arrived):
    payment = bring(arrived, shown("dp_1", status=DisputeStatus.LOST), shown("dp_2", amount=300))
    assert (payment.dispute_state, payment.amount_disputed) == (DisputeState.OPEN, 800)
    payment = bring(payment, shown("dp_2", amount=300, status=DisputeStatus.WON, funds=DisputeFunds.REINSTATED))
    assert (payment.dispute_state, payment.amount_disputed, refundable(payment)) == (DisputeState.LOST, 500, 74_500)


def test_won_money_is_ours_only_once_it_is_back(arrived):
    payment = bring(arrived, shown(status=DisputeStatus.WON))
    assert (payment.dispute_state, payment.amount_disputed) == (DisputeState.WON, 500)
    payment = bring(arrived, shown(status=DisputeStatus.WON, funds=DisputeFunds.REINSTATED))
    assert payment.amount_disputed == 0


def test_a_lost_one_that_is_given_back_after_all(arrived):
    bring(arrived, shown(status=DisputeStatus.LOST))
    assert ledger_sums() == {"clearing:stripe:KES": -500, "dispute_hold": 0, "losses": 500}
    payment = bring(arrived, shown(status=DisputeStatus.WON, funds=DisputeFunds.REINSTATED))
    assert (payment.dispute_state, payment.amount_disputed) == (DisputeState.WON, 0)
    assert ledger_sums() == {"clearing:stripe:KES": 0, "dispute_hold": 0, "losses": 0}


def postings():
    rows = LedgerTransaction.objects.exclude(kind="fee").order_by("kind", "external_ref")
    return list(rows.values_list("kind", "external_ref"))


def test_an_amount_that_the_bank_changes_is_posted_by_its_difference(arrived):
    assert bring(arrived, shown()).amount_disputed == 500
    assert bring(arrived, shown(amount=300)).amount_disputed == 300
    assert ledger_sums() == {"clearing:stripe:KES": -300, "dispute_hold": 300}
    for _ in range(2):
        payment = bring(arrived, shown(amount=800))
    assert (payment.amount_disputed, Dispute.objects.get().amount) == (800, 800)
    assert ledger_sums() == {"clearing:stripe:KES": -800, "dispute_hold": 800}
    assert postings() == [
        ("dispute_withdrawn", "dp_1"),
        ("dispute_withdrawn", "dp_1:2"),
        ("dispute_withdrawn", "dp_1:3"),
    ]
    assert AuditEvent.objects.filter(action="dispute.updated").count() == 2


def test_an_amount_that_changes_after_the_end(arrived):
    bring(arrived, shown(status=DisputeStatus.LOST))
    bring(arrived, shown(status=DisputeStatus.LOST, amount=700))
    assert ledger_sums() == {"clearing:stripe:KES": -700, "dispute_hold": 0, "losses": 700}
    payment = bring(arrived, shown(status=DisputeStatus.WON, funds=DisputeFunds.REINSTATED, amount=650))
    assert payment.amount_disputed == 0
    assert ledger_sums() == {"clearing:stripe:KES": 0, "dispute_hold": 0, "losses": 0}


def test_a_dispute_whose_id_begins_like_another_is_another(arrived):
    bring(arrived, shown("dp_1"), shown("dp_12", amount=100))
    bring(arrived, shown("dp_1", amount=200))
    assert ledger_sums() == {"clearing:stripe:KES": -300, "dispute_hold": 300}


def test_one_that_the_bank_prevented(arrived):
    payment = bring(arrived, shown(status=DisputeStatus.PREVENTED, funds=DisputeFunds.NONE))
    assert (payment.dispute_state, payment.amount_disputed) == (DisputeState.NONE, 0)
    assert LedgerTransaction.objects.count() == 0
    assert alerts("dispute_opened") == 0


def test_new_evidence_is_an_update(arrived):
    bring(arrived, shown())
    bring(arrived, shown(status=DisputeStatus.UNDER_REVIEW))
    bring(arrived, shown(status=DisputeStatus.UNDER_REVIEW))
    assert list(AuditEvent.objects.filter(action__startswith="dispute.").values_list("action", flat=True)) == [
        "dispute.opened", "dispute.updated",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("days", "status", "told"),
    [
        (4, DisputeStatus.NEEDS_RESPONSE, 0),
        (3, DisputeStatus.NEEDS_RESPONSE, 1),
        (1, DisputeStatus.WARNING_NEEDS_RESPONSE, 1),
        (1, DisputeStatus.UNDER_REVIEW, 0),
        (-1, DisputeStatus.NEEDS_RESPONSE, 0),
    ],
)
def test_people_are_reminded_of_the_deadline_once(booking, days, status, told):
    due = db_now() + timedelta(days=days)
    make_dispute(make_payment(booking, status=Status.SUCCEEDED), status=status, evidence_due_by=due)
    assert disputes.remind(by=BY) == told
    assert disputes.remind(by=BY) == 0
    assert alerts("dispute_deadline") == told
