"""Postings of fees, exchanges, payouts and unknown money; and the command that checks all of them."""

import json
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection, transaction

from bookings.tests.factories import make_booking
from common.clock import db_now
from payments.actions import balances, ledger
from payments.constants import Posting, RefundState, Status
from payments.models import Dispute, LedgerAccount, LedgerEntry, LedgerTransaction, Payment
from payments.providers.protocol import BalanceEntry, EntryKind, PayoutSnapshot
from payments.tests.factories import begin, deliver_all, ledger_sums, make_dispute, make_payment, make_refund, pay

pytestmark = pytest.mark.django_db


def entry(kind=EntryKind.CHARGE, **values):
    defaults = {
        "ref": "txn_1", "kind": kind, "amount": 1_000, "fee": 30, "net": 970, "currency": "KES", "source_ref": "ch_1",
        "created": db_now(),
    }  # fmt: skip
    return BalanceEntry(**(defaults | values))


@pytest.fixture
def arrived(booking):
    return make_payment(
        booking, status=Status.SUCCEEDED, amount_captured=1_000, provider_charge_ref="ch_1", provider_currency="KES"
    )


def book(one):
    with transaction.atomic():
        return balances.book(entry=one, provider="stripe")


def test_a_fee_is_booked_once(arrived):
    assert book(entry()) == balances.Booked(True, True, arrived)
    assert book(entry()) == balances.Booked(True, False, arrived)
    assert ledger_sums(fees=True) == {"clearing:stripe:KES": -30, "fees:stripe": 30}
    assert LedgerTransaction.objects.get().payment == arrived


def test_a_charge_that_is_not_known_yet_waits():
    assert book(entry()) == balances.Booked(False, False)
    assert LedgerTransaction.objects.count() == 0


def test_money_that_settles_in_another_currency(arrived):
    with transaction.atomic():
        ledger.capture(payment=arrived, amount=1_000, currency="KES", now=db_now(), known=True)
    book(entry(amount=8, fee=1, net=7, currency="USD"))
    found = {
        (one.account.code, one.currency): one.amount
        for one in LedgerEntry.objects.filter(transaction__kind=Posting.EXCHANGE).select_related("account")
    }
    assert found == {
        ("exchange", "KES"): 1_000, ("clearing:stripe:KES", "KES"): -1_000, ("clearing:stripe:USD", "USD"): 8,
        ("exchange", "USD"): -8,
    }  # fmt: skip
    sums = ledger_sums(fees=True)
    assert (sums["clearing:stripe:KES"], sums["clearing:stripe:USD"], sums["fees:stripe"]) == (0, 7, 1)


def test_a_refund_and_a_dispute_that_settle_elsewhere(arrived):
    make_refund(arrived, provider_ref="re_1", amount=400, state=RefundState.SUCCEEDED)
    make_dispute(arrived, provider_ref="dp_1", amount=600)
    book(entry(EntryKind.REFUND, ref="txn_2", source_ref="re_1", amount=-3, fee=0, net=-3, currency="USD"))
    book(entry(EntryKind.DISPUTE, ref="txn_3", source_ref="dp_1", amount=-5, fee=15, net=-20, currency="USD"))
    sums = ledger_sums(fees=True)
    assert (sums["clearing:stripe:KES"], sums["clearing:stripe:USD"], sums["fees:stripe"]) == (1_000, -23, 15)
    assert not book(entry(EntryKind.REFUND, ref="txn_4", source_ref="re_9")).known
    assert not book(entry(EntryKind.DISPUTE, ref="txn_5", source_ref="dp_9")).known


def test_money_that_nobody_can_explain():
    assert book(entry(EntryKind.OTHER, amount=-200, fee=0, net=-200, source_ref="")).new
    assert ledger_sums() == {"clearing:stripe:KES": -200, "suspense": 200}
    assert not book(entry(EntryKind.OTHER, amount=-200, fee=0, net=-200, source_ref="")).new


@pytest.mark.parametrize("order", [1, -1])
def test_a_payout_and_its_failure(order):
    for kind in [EntryKind.PAYOUT, EntryKind.PAYOUT_REVERSAL, EntryKind.PAYOUT][::order]:
        amount = -900 if kind == EntryKind.PAYOUT else 900
        book(entry(kind, ref=f"txn_{kind}", source_ref="po_1", amount=amount, fee=0, net=amount))
    assert ledger_sums() == {"bank": 0, "clearing:stripe:KES": 0}
    assert LedgerTransaction.objects.count() == 2


@pytest.mark.parametrize(
    ("states", "bank"),
    [
        (["paid"], 900), (["paid", "failed"], 0), (["failed", "paid"], 0), (["pending", "in_transit"], 0),
        (["canceled"], 0),
    ],
)  # fmt: skip
def test_a_payout_by_its_events(states, bank):
    for state in states:
        payout = PayoutSnapshot("po_1", state, 900, "KES", db_now(), True)
        with transaction.atomic():
            balances.book_payout(payout=payout, provider="stripe", now=db_now())
    assert ledger_sums().get("bank", 0) == bank


def run(*flags):
    out = StringIO()
    status = 0
    try:
        call_command("audit_ledger", *flags, stdout=out)
    except SystemExit as stop:
        status = stop.code
    return status, out.getvalue()


def unguarded(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for table in ("payments_ledgerentry", "payments_ledgertransaction"):
            cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
        cursor.execute(statement, values)
        for table, names in (
            ("payments_ledgerentry", ("payments_ledger_balanced", "payments_ledger_refuse")),
            ("payments_ledgertransaction", ("payments_ledger_not_empty", "payments_ledger_refuse")),
        ):
            for name in names:
                cursor.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")


@pytest.mark.django_db(transaction=True)
class TestTheCommand:
    """It reads in a transaction of its own, so these tests commit."""

    @pytest.fixture
    def paid(self, twin):
        pay(twin, begin(make_booking()))
        deliver_all(twin)
        return Payment.objects.get()

    def test_in_order(self, paid):
        status, text = run()
        assert status == 0
        assert text.startswith("The ledger is in order: 2 transactions with 4 entries.")
        assert "KES 727.95" in text
        status, text = run("--json")
        assert (status, json.loads(text)["ok"]) == (0, True)
        assert json.loads(text)["balances"] == [
            ["clearing:stripe:KES", "KES", 72_795], ["fees:stripe", "KES", 2_205], ["revenue:bookings", "KES", -75_000],
        ]  # fmt: skip

    def test_the_first_bad_transaction_is_named(self, paid):
        bad = LedgerTransaction.objects.get(kind="capture")
        unguarded(
            "UPDATE payments_ledgerentry SET amount = amount + 1 WHERE transaction_id = %s AND amount > 0", bad.pk
        )
        status, text = run()
        assert status == 3
        assert text.startswith(
            f"The ledger is wrong: capture {bad.external_ref} ({bad.pk}) does not sum to zero in KES: 1."
        )
        status, text = run("--json")
        found = json.loads(text)
        assert (status, found["ok"], found["faults"][0]["id"]) == (3, False, str(bad.pk))

    def test_a_transaction_without_entries(self, paid):
        bad = LedgerTransaction.objects.get(kind="fee")
        unguarded("DELETE FROM payments_ledgerentry WHERE transaction_id = %s", bad.pk)
        status, text = run()
        assert (status, f"fee {bad.external_ref} ({bad.pk}) has 0 entries" in text) == (3, True)

    def test_a_payment_that_its_postings_contradict(self, paid):
        Payment.objects.update(amount_captured=80_000)
        status, text = run()
        assert status == 3
        assert "payment received 80000, the ledger says 75000" in text
        Payment.objects.update(amount_captured=75_000, amount_refunded=5)
        assert "payment refunded 5, the ledger says 0" in run()[1]

    def test_a_dispute_that_its_postings_contradict(self, twin):
        pay(twin, begin(make_booking()), "pm_card_createDispute")
        deliver_all(twin)
        assert run()[0] == 0
        Dispute.objects.update(amount=70_000)
        status, text = run()
        assert (status, "the bank holds 70000 of it, the ledger says 75000" in text) == (3, True)
        Dispute.objects.update(amount=75_000, status="lost", closed_at=db_now())
        assert "the bank holds 0 of it, the ledger says 75000" in run()[1]

    def test_a_guard_that_is_off(self, paid):
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE payments_ledgertransaction DISABLE TRIGGER payments_ledger_not_empty")
            try:
                status, text = run()
            finally:
                cursor.execute("ALTER TABLE payments_ledgertransaction ENABLE ALWAYS TRIGGER payments_ledger_not_empty")
        assert (status, "payments_ledger_not_empty is missing or switched off" in text) == (3, True)

    def test_it_writes_nothing(self, paid):
        before = (LedgerAccount.objects.count(), LedgerEntry.objects.count())
        run()
        assert (LedgerAccount.objects.count(), LedgerEntry.objects.count()) == before
