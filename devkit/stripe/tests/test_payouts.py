import pytest

from devkit.stripe.errors import ApiError
from devkit.stripe.tests.conftest import paid


def pay_out(twin, currency="usd"):
    twin.control(act={"do": "payout", "currency": currency})


def test_a_payout_is_the_sum_of_what_it_holds(client, twin):
    intent = paid(client, amount=10_000)
    client.v1.refunds.create({"payment_intent": intent.id, "amount": 4000})
    paid(client, amount=5000, currency="kes")
    pay_out(twin)
    (payout,) = client.v1.payouts.list().data
    fee = 290 + 30
    assert (payout.amount, payout.currency, payout.status, payout.automatic) == (6000 - fee, "usd", "paid", True)
    assert payout.reconciliation_status == "completed"
    inside = client.v1.balance_transactions.list({"payout": payout.id}).data
    assert [(one.type, one.net) for one in inside] == [
        ("payout", fee - 6000), ("refund", -4000), ("charge", 10_000 - fee),
    ]  # fmt: skip
    assert [event["type"] for event in twin.events()][-3:] == [
        "payout.created", "payout.paid", "payout.reconciliation_completed",
    ]  # fmt: skip
    with pytest.raises(ApiError, match="nothing to pay out"):
        pay_out(twin)


def test_a_payout_that_comes_back_goes_with_the_next(client, twin):
    paid(client, amount=10_000)
    pay_out(twin)
    (first,) = client.v1.payouts.list().data
    twin.control(act={"do": "payout_fail", "id": first.id})
    failed = client.v1.payouts.retrieve(first.id)
    assert (failed.status, failed.failure_code) == ("failed", "account_closed")
    with pytest.raises(ApiError, match="cannot fail"):
        twin.control(act={"do": "payout_fail", "id": first.id})
    pay_out(twin)
    (second, _) = client.v1.payouts.list().data
    assert second.amount == first.amount
    inside = client.v1.balance_transactions.list({"payout": second.id, "type": "payout_failure"}).data
    assert [one.amount for one in inside] == [first.amount]
    assert client.v1.payouts.list({"status": "failed"}).data[0].id == first.id
    assert client.v1.payouts.list({"arrival_date": {"lt": first.arrival_date}}).data == []


@pytest.mark.parametrize(
    "act",
    [
        {"do": "payout", "currency": "usd", "id": "po_x"}, {"do": "payout"}, {"do": "payout_fail", "id": "po_x"},
        {"do": "refund_fail"}, {"do": "refund_fail", "id": "re_x"}, {"do": "dispute_close", "id": "dp_x"},
    ],
)  # fmt: skip
def test_acts_that_name_nothing_are_refused(client, twin, act):
    paid(client)
    before = twin.control()
    with pytest.raises(ApiError):
        twin.control(act=act)
    assert twin.control() == before


@pytest.mark.parametrize(("currency", "step"), [("isk", 100), ("ugx", 100), ("kwd", 10)])
def test_fees_leave_only_what_the_currency_can_pay_out(client, twin, currency, step):
    paid(client, amount=50_000, currency=currency)
    pay_out(twin, currency)
    (charge,) = client.v1.balance_transactions.list({"type": "charge"}).data
    (payout,) = client.v1.payouts.list().data
    assert (charge.fee, charge.fee % step, payout.amount) == (1500 if step == 100 else 1480, 0, 50_000 - charge.fee)
