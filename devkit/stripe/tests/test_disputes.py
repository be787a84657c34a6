import pytest
import stripe

from devkit.stripe.errors import ApiError
from devkit.stripe.fixture import Twin
from devkit.stripe.tests.conftest import client_of, paid

FOURTEEN_DAYS = 14 * 24 * 3600


def disputed(client, card="pm_card_createDispute", **more):
    """The intent and its dispute."""
    intent = paid(client, card=card, **more)
    (dispute,) = client.v1.disputes.list({"payment_intent": intent.id}).data
    return intent, dispute


def entries(client, category):
    found = client.v1.balance_transactions.list({"limit": 100}).data
    return [(one.type, one.amount, one.fee, one.net) for one in found if one.reporting_category == category]


def types(twin, after=3):
    return [event["type"] for event in twin.events()][after:]


def test_a_chargeback_takes_the_money_at_once(client, twin):
    intent, dispute = disputed(client, amount=5000)
    assert (dispute.status, dispute.reason, dispute.amount, dispute.currency) == (
        "needs_response", "fraudulent", 5000, "usd",
    )  # fmt: skip
    assert (dispute.charge, dispute.payment_intent) == (intent.latest_charge, intent.id)
    assert dispute.evidence_details.due_by == dispute.created + FOURTEEN_DAYS
    assert types(twin) == ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    assert entries(client, "dispute") == [("adjustment", -5000, 1500, -6500)]
    assert [entry.net for entry in dispute.balance_transactions] == [-6500]
    assert client.v1.charges.retrieve(intent.latest_charge).disputed is True
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"payment_intent": intent.id})
    assert caught.value.code == "charge_disputed"
    assert "refunds" not in twin.control()["objects"]


def test_a_won_dispute_gives_the_money_back(client, twin):
    intent, dispute = disputed(client, amount=5000)
    twin.control(act={"do": "dispute_close", "id": dispute.id, "outcome": "won"})
    assert client.v1.disputes.retrieve(dispute.id).status == "won"
    assert types(twin, 5) == ["charge.dispute.closed", "charge.dispute.funds_reinstated"]
    assert entries(client, "dispute_reversal") == [("adjustment", 5000, 0, 5000)]
    assert client.v1.refunds.create({"payment_intent": intent.id}).amount == 5000


def test_a_lost_dispute_moves_nothing_more(client, twin):
    intent, dispute = disputed(client)
    twin.control(act={"do": "dispute_close", "id": dispute.id, "outcome": "lost"})
    assert client.v1.disputes.retrieve(dispute.id).status == "lost"
    assert types(twin, 5) == ["charge.dispute.closed"]
    assert len(client.v1.balance_transactions.list().data) == 2
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": intent.id})
    with pytest.raises(ApiError, match="already closed"):
        twin.control(act={"do": "dispute_close", "id": dispute.id, "outcome": "won"})


def test_an_inquiry_moves_no_money(client, twin):
    intent, dispute = disputed(client, "pm_card_createDisputeInquiry")
    assert (dispute.status, dispute.balance_transactions) == ("warning_needs_response", [])
    assert types(twin) == ["charge.dispute.created"]
    with pytest.raises(ApiError, match="cannot be lost"):
        twin.control(act={"do": "dispute_close", "id": dispute.id, "outcome": "lost"})
    twin.control(act={"do": "dispute_close", "id": dispute.id, "outcome": "won"})
    assert client.v1.disputes.retrieve(dispute.id).status == "warning_closed"
    assert len(client.v1.balance_transactions.list().data) == 1
    assert client.v1.refunds.create({"payment_intent": intent.id}).status == "succeeded"


def test_evidence_is_staged_then_handed_in_then_decides(client, twin):
    _, dispute = disputed(client)
    staged = client.v1.disputes.update(
        dispute.id, {"evidence": {"customer_name": "Amina"}, "submit": False, "metadata": {"a": "1"}}
    )
    assert (staged.status, staged.evidence.customer_name, staged.metadata["a"]) == ("needs_response", "Amina", "1")
    assert (staged.evidence_details.has_evidence, staged.evidence_details.submission_count) == (True, 0)
    sent = client.v1.disputes.update(dispute.id, {"evidence": {"receipt": "file_1"}})
    assert (sent.status, sent.evidence_details.submission_count) == ("under_review", 1)
    won = client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    assert (won.status, won.evidence_details.submission_count) == ("won", 2)
    with pytest.raises(stripe.InvalidRequestError, match="already closed"):
        client.v1.disputes.update(dispute.id, {"metadata": {"a": "2"}})
    assert types(twin, 5) == ["charge.dispute.updated"] * 3 + [
        "charge.dispute.closed", "charge.dispute.funds_reinstated",
    ]  # fmt: skip


def test_an_account_may_give_in(client, twin):
    _, dispute = disputed(client)
    assert client.v1.disputes.close(dispute.id).status == "lost"


def test_a_later_capture_is_disputed_too(client, twin):
    intent = paid(client, amount=5000, card="pm_card_createDispute", capture_method="manual")
    assert client.v1.disputes.list().data == []
    client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 3000})
    (dispute,) = client.v1.disputes.list().data
    assert dispute.amount == 3000


def test_a_refund_that_fails_later(client, twin):
    intent = paid(client, amount=1000, card="pm_card_refundFail")
    refund = client.v1.refunds.create({"payment_intent": intent.id, "amount": 400})
    assert refund.status == "succeeded"
    assert client.v1.refunds.retrieve(refund.id).status == "succeeded"
    twin.control(clock_offset_s=6)
    failed = client.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    assert (failed.status, failed.failure_reason) == ("failed", "lost_or_stolen_card")
    assert (failed.failure_balance_transaction.type, failed.failure_balance_transaction.net) == ("refund_failure", 400)
    charge = client.v1.charges.retrieve(intent.latest_charge)
    assert (charge.amount_refunded, charge.refunded) == (0, False)
    assert types(twin, 5) == ["refund.updated", "charge.refund.updated", "refund.failed"]
    assert client.v1.refunds.create({"payment_intent": intent.id}).amount == 1000


def test_any_refund_can_be_made_to_fail_once(client, twin):
    refund = client.v1.refunds.create({"payment_intent": paid(client).id})
    twin.control(act={"do": "refund_fail", "id": refund.id})
    assert client.v1.refunds.retrieve(refund.id).status == "failed"
    with pytest.raises(ApiError, match="status of failed"):
        twin.control(act={"do": "refund_fail", "id": refund.id})
    assert entries(client, "refund_failure") == [("refund_failure", 5000, 0, 5000)]


def test_a_restart_forgets_no_dispute_no_payout_and_no_refund_that_is_about_to_fail(tmp_path):
    state = tmp_path / "stripe.json"
    with Twin(state=state) as before:
        client = client_of(before)
        _, dispute = disputed(client)
        refund = client.v1.refunds.create({"payment_intent": paid(client, card="pm_card_refundFail").id, "amount": 100})
        paid(client, amount=50_000)
        before.control(act={"do": "payout", "currency": "usd"})
    with Twin(state=state) as after:
        client = client_of(after)
        assert client.v1.disputes.retrieve(dispute.id).status == "needs_response"
        assert len(client.v1.payouts.list().data) == 1
        assert client.v1.refunds.retrieve(refund.id).status == "succeeded"
        after.control(clock_offset_s=60)
        assert client.v1.refunds.retrieve(refund.id).status == "failed"
