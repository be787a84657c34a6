import pytest
import stripe

from devkit.stripe.tests.conftest import paid


def test_parts_up_to_the_whole_can_be_refunded(client, twin):
    intent = paid(client, amount=1000)
    first = client.v1.refunds.create(
        {"payment_intent": intent.id, "amount": 400, "reason": "requested_by_customer", "metadata": {"refund_id": "r1"}}
    )
    assert (first.status, first.amount, first.currency, first.charge) == ("succeeded", 400, "usd", intent.latest_charge)
    assert client.v1.charges.retrieve(intent.latest_charge).refunded is False
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 700})
    assert (caught.value.http_status, caught.value.param) == (400, "amount")
    second = client.v1.refunds.create({"charge": intent.latest_charge})
    assert second.amount == 600
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (1000, True)
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert caught.value.code == "charge_already_refunded"
    assert [item.id for item in client.v1.refunds.list({"payment_intent": intent.id}).data] == [second.id, first.id]
    assert client.v1.refunds.retrieve(first.id).metadata["refund_id"] == "r1"
    assert [event["type"] for event in twin.events()][3:] == ["refund.created", "charge.refunded"] * 2
    entries = client.v1.balance_transactions.list({"type": "refund"}).data
    assert [(entry.amount, entry.net, entry.source) for entry in entries] == [
        (-600, -600, second.id), (-400, -400, first.id),
    ]  # fmt: skip


def test_what_was_not_paid_cannot_be_refunded(client, twin):
    intent = client.v1.payment_intents.create({"amount": 1000, "currency": "usd"})
    with pytest.raises(stripe.InvalidRequestError, match="does not have a successful charge"):
        client.v1.refunds.create({"payment_intent": intent.id})
    assert "refunds" not in twin.control()["objects"]


def test_only_metadata_of_a_refund_changes(client, twin):
    refund = client.v1.refunds.create({"payment_intent": paid(client).id})
    assert client.v1.refunds.update(refund.id, {"metadata": {"a": "1"}}).metadata["a"] == "1"
    assert [event["type"] for event in twin.events()][-2:] == ["refund.updated", "charge.refund.updated"]
