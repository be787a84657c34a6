"""Properties: events in any order and number, money in every currency, and a ledger that always comes to nothing."""

import random
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.db.models import Sum
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from common.money import exponent
from jobs.testing import run_due
from mail.models import Message
from payments.actions import ledger
from payments.constants import Posting, Status
from payments.models import Dispute, LedgerEntry, LedgerTransaction, Payment, PaymentEvent, Refund
from payments.providers.protocol import BalanceEntry, EntryKind
from payments.providers.stripe import currencies
from payments.tests.factories import begin, deliver, make_dispute, make_payment, make_refund, pay, sdk

pytestmark = pytest.mark.django_db
STEPS = 10_000
BOUNDED = settings(
    max_examples=10, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def declined_then_refunded(twin, payment):
    """A bad card, a good one, a part back, another part that comes back again."""
    with pytest.raises(Exception, match="declined"):
        pay(twin, payment, "pm_card_chargeDeclined")
    pay(twin, payment)
    refunds = sdk(twin).v1.refunds
    refunds.create({"payment_intent": payment.provider_ref, "amount": 30_000})
    failing = refunds.create({"payment_intent": payment.provider_ref, "amount": 20_000})
    twin.control(act={"do": "refund_fail", "id": failing.id})


def disputed_and_won(twin, payment):
    """3-D Secure, then a chargeback that ends well."""
    pay(twin, payment, "pm_card_authenticationRequired")
    twin.control(act={"do": "authenticate", "id": payment.provider_ref, "outcome": "fail"})
    pay(twin, payment, "pm_card_createDispute")
    (dispute,) = sdk(twin).v1.disputes.list().data
    twin.control(act={"do": "dispute_close", "id": dispute.id, "outcome": "won"})


def final_rows(booking):
    """All that the events are meant to bring about, without ids and times of our own."""
    payment = Payment.objects.get()
    booking.refresh_from_db()
    entries = LedgerEntry.objects.order_by("transaction__kind", "transaction__external_ref", "amount")
    return {
        "payment": (
            payment.status, payment.amount_captured, payment.amount_refunded, payment.amount_refund_pending,
            payment.amount_disputed, payment.dispute_state, payment.review_reason, payment.provider_charge_ref,
            payment.last_error_code, payment.provider_status,
        ),
        "booking": (booking.status, booking.paid_amount, booking.refunded_amount),
        "refunds": sorted(Refund.objects.values_list("provider_ref", "state", "amount")),
        "disputes": sorted(Dispute.objects.values_list("provider_ref", "status", "funds", "amount")),
        "ledger": list(
            entries.values_list("transaction__kind", "transaction__external_ref", "account__code", "amount")
        ),
        "receipts": Message.objects.filter(template="payments/receipt").count(),
        "waiting": PaymentEvent.objects.filter(state="received").count(),
    }  # fmt: skip


@pytest.mark.parametrize("story", [declined_then_refunded, disputed_and_won])
def test_any_order_of_events_with_repetitions_ends_in_the_same_rows(twin, booking, story):
    payment = begin(booking)
    story(twin, payment)
    events = [event for event in twin.events() if event["type"] != "payment_intent.created"]

    def told(order, at_once):
        """What the rows come to; the database then forgets it."""
        with transaction.atomic():
            for place in order:
                assert deliver(events[place]).status_code == 200
                if not at_once:
                    run_due()
            run_due()
            rows = final_rows(booking)
            transaction.set_rollback(True)
        return rows

    expected = told(range(len(events)), at_once=False)
    assert (expected["payment"][0], expected["receipts"], expected["waiting"]) == (Status.SUCCEEDED, 1, 0)

    @BOUNDED
    @given(
        order=st.permutations(range(len(events))),
        again=st.lists(st.integers(0, len(events) - 1), max_size=4),
        at_once=st.booleans(),
    )
    def check(order, again, at_once):
        assert told([*order, *again], at_once) == expected

    check()


def codes():
    return sorted(currencies.CHARGED)


@settings(max_examples=400, deadline=None, derandomize=True)
@given(code=st.sampled_from(codes()), amount=st.integers(0, 10**12))
def test_money_comes_back_from_stripes_units_as_it_went(code, amount):
    sent = currencies.to_stripe(amount, code)
    if sent is None:
        assert currencies.places(code) < exponent(code) or code in currencies.THREE_DECIMAL
    else:
        assert currencies.from_stripe(sent, code) == (amount, 0)


@pytest.mark.parametrize("code", codes())
def test_a_whole_unit_of_every_currency_can_be_charged_and_comes_back(code):
    whole = 1000 * 10 ** exponent(code)
    sent = currencies.to_stripe(whole, code)
    assert sent == 1000 * 10 ** currencies.places(code)
    assert currencies.from_stripe(sent, code) == (whole, 0)
    assert currencies.refusal(whole, code) == ""


class Walk:
    """Random postings about one payment of each of some currencies; every tenth says what was said before."""

    def __init__(self, booking):
        self.dice = random.Random(20261122)
        self.now = datetime(2026, 11, 22, tzinfo=UTC)
        self.payments = [make_payment(booking, currency=code, is_current=False) for code in ("KES", "USD", "JPY")]
        self.refunds = [make_refund(payment) for payment in self.payments]
        self.disputes = [make_dispute(payment) for payment in self.payments]
        self.posted = 0

    def step(self, number):
        which = self.dice.randrange(3)
        number = self.dice.randrange(number + 1) if self.dice.random() < 0.1 else number
        amount, kind = self.dice.randint(1, 10**9), self.dice.randrange(9)
        payment, refund, dispute = self.payments[which], self.refunds[which], self.disputes[which]
        payment.provider_charge_ref, refund.provider_ref, dispute.provider_ref = (
            f"ch_{number}", f"re_{number}", f"dp_{number}",
        )  # fmt: skip
        refund.amount = dispute.amount = amount
        refund.currency = dispute.currency = payment.currency
        entry = self.entry(number, amount, payment.currency)
        deeds = (
            lambda: ledger.capture(
                payment=payment, amount=amount, currency=payment.currency, now=self.now, known=which > 0
            ),
            lambda: ledger.refund(payment=payment, refund=refund, now=self.now),
            lambda: ledger.refund_reversed(payment=payment, refund=refund, now=self.now),
            lambda: ledger.dispute_withdrawn(dispute=dispute, now=self.now),
            lambda: ledger.dispute_reinstated(dispute=dispute, now=self.now),
            lambda: ledger.dispute_lost(dispute=dispute, now=self.now),
            lambda: ledger.fee(entry=entry, provider="stripe", payment=payment),
            lambda: ledger.exchange(entry=entry, provider="stripe", payment=payment, amount=amount * 2, currency="EUR"),
            lambda: ledger.payout(
                provider="stripe", ref=f"po_{number}", amount=amount, currency=payment.currency, at=self.now
            ),
        )
        self.posted += bool(deeds[kind]())

    def entry(self, number, amount, currency):
        return BalanceEntry(
            ref=f"txn_{number}", kind=EntryKind.CHARGE, amount=amount, fee=amount // 3 + 1, net=0,
            currency=currency, source_ref=f"ch_{number}", created=self.now + timedelta(seconds=number),
        )  # fmt: skip


def test_a_random_walk_keeps_the_ledger_at_zero(booking):
    walk = Walk(booking)
    for number in range(STEPS):
        walk.step(number)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # what a commit would check
    assert LedgerTransaction.objects.count() == walk.posted > STEPS * 0.85
    totals = LedgerEntry.objects.values_list("currency").annotate(total=Sum("amount")).order_by("currency")
    assert list(totals) == [("EUR", 0), ("JPY", 0), ("KES", 0), ("USD", 0)]
    uneven = LedgerEntry.objects.values("transaction", "currency").annotate(total=Sum("amount")).exclude(total=0)
    assert uneven.count() == 0
    assert set(LedgerTransaction.objects.values_list("kind", flat=True)) == {
        Posting.CAPTURE, Posting.REFUND, Posting.REFUND_REVERSED, Posting.DISPUTE_WITHDRAWN,
        Posting.DISPUTE_REINSTATED, Posting.DISPUTE_LOST, Posting.FEE, Posting.EXCHANGE, Posting.PAYOUT,
    }  # fmt: skip
