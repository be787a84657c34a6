import pytest
import stripe

from devkit.stripe.tests.conftest import RETURN, paid


def create(client, **params):
    return client.v1.payment_intents.create({"amount": 5000, "currency": "usd", **params})


def test_an_intent_waits_for_a_payment_method(client):
    intent = create(client, metadata={"payment_id": "p1"}, description="Deposit")
    assert (intent.status, intent.amount, intent.currency, intent.livemode) == (
        "requires_payment_method", 5000, "usd", False,
    )  # fmt: skip
    assert intent.client_secret.startswith(f"{intent.id}_secret_")
    assert intent.metadata["payment_id"] == "p1"
    assert client.v1.payment_intents.retrieve(intent.id).description == "Deposit"


def test_confirming_pays(client, twin):
    intent = create(client)
    done = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", **RETURN})
    assert (done.status, done.amount_received) == ("succeeded", 5000)
    charge = client.v1.charges.retrieve(done.latest_charge, {"expand": ["balance_transaction"]})
    assert (charge.amount, charge.paid, charge.captured, charge.payment_intent) == (5000, True, True, intent.id)
    assert (charge.balance_transaction.fee, charge.balance_transaction.net) == (175, 4825)
    assert [event["type"] for event in twin.events()] == [
        "payment_intent.created", "charge.succeeded", "payment_intent.succeeded",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("card", "reason"),
    [("pm_card_chargeDeclined", "generic_decline"), ("pm_card_chargeDeclinedInsufficientFunds", "insufficient_funds")],
)
def test_a_declined_card_is_402_and_another_one_pays(client, twin, card, reason):
    intent = create(client)
    with pytest.raises(stripe.CardError) as caught:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": card, **RETURN})
    error = caught.value
    assert (error.http_status, error.code, error.error.decline_code) == (402, "card_declined", reason)
    assert error.error.payment_intent.id == intent.id
    failed = client.v1.payment_intents.retrieve(intent.id)
    assert (failed.status, failed.last_payment_error.decline_code, failed.amount_received) == (
        "requires_payment_method", reason, 0,
    )  # fmt: skip
    assert [event["type"] for event in twin.events()][1:] == ["charge.failed", "payment_intent.payment_failed"]
    done = client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", **RETURN})
    assert (done.status, done.last_payment_error) == ("succeeded", None)
    assert done.latest_charge != failed.latest_charge


def test_three_d_secure_passes(client, twin):
    intent = paid(client, card="pm_card_authenticationRequired")
    assert (intent.status, intent.next_action.type) == ("requires_action", "use_stripe_sdk")
    twin.control(act={"do": "authenticate", "id": intent.id, "outcome": "pass"})
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"
    kinds = [event["type"] for event in twin.events()]
    assert kinds[1:] == ["payment_intent.requires_action", "charge.succeeded", "payment_intent.succeeded"]


def test_three_d_secure_fails(client, twin):
    intent = paid(client, card="pm_card_authenticationRequired")
    twin.control(act={"do": "authenticate", "id": intent.id, "outcome": "fail"})
    failed = client.v1.payment_intents.retrieve(intent.id)
    assert failed.status == "requires_payment_method"
    assert failed.last_payment_error.code == "payment_intent_authentication_failure"
    assert failed.latest_charge is None


def test_the_fixture_pays_as_a_browser_does(client, twin):
    intent = create(client)
    assert twin.pay(intent.id)["status"] == "succeeded"
    assert client.v1.payment_intents.retrieve(intent.id).status == "succeeded"


def test_a_manual_capture_takes_less_than_was_authorized(client, twin):
    intent = paid(client, capture_method="manual")
    assert (intent.status, intent.amount_capturable, intent.amount_received) == ("requires_capture", 5000, 0)
    done = client.v1.payment_intents.capture(intent.id, {"amount_to_capture": 3000})
    assert (done.status, done.amount_received, done.amount_capturable) == ("succeeded", 3000, 0)
    assert [event["type"] for event in twin.events()][1:] == [
        "charge.succeeded", "payment_intent.amount_capturable_updated", "charge.captured", "payment_intent.succeeded",
    ]  # fmt: skip


def test_cancelling_ends_it(client, twin):
    intent = create(client)
    done = client.v1.payment_intents.cancel(intent.id, {"cancellation_reason": "abandoned"})
    assert (done.status, done.cancellation_reason) == ("canceled", "abandoned")
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.confirm(intent.id, {"payment_method": "pm_card_visa", **RETURN})
    assert (caught.value.http_status, caught.value.code) == (400, "payment_intent_unexpected_state")
    assert twin.control()["objects"]["payment_intents"] == 1
    assert "charges" not in twin.control()["objects"]


def test_a_paid_intent_cannot_be_cancelled_but_keeps_taking_metadata(client):
    intent = paid(client)
    with pytest.raises(stripe.InvalidRequestError, match="status of succeeded"):
        client.v1.payment_intents.cancel(intent.id)
    updated = client.v1.payment_intents.update(intent.id, {"metadata": {"seen": "yes"}})
    assert (updated.status, updated.metadata["seen"]) == ("succeeded", "yes")


def test_updating_changes_the_amount_and_merges_metadata(client):
    intent = create(client, metadata={"a": "1", "b": "2"})
    changed = client.v1.payment_intents.update(intent.id, {"amount": 700, "metadata": {"a": "", "c": "3"}})
    assert changed.amount == 700
    assert dict(changed.metadata.to_dict()) == {"b": "2", "c": "3"}


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"amount": 49}, "amount_too_small", "amount"),
        ({"amount": 100_000_000}, "amount_too_large", "amount"),
        ({"amount": 0}, "parameter_invalid_integer", "amount"),
        ({"amount": "4.5"}, "parameter_invalid_integer", "amount"),
        ({"currency": "xyz"}, None, "currency"),
        ({"currency": "kwd", "amount": 5124}, "parameter_invalid_integer", "amount"),
        ({"currency": "isk", "amount": 550}, "parameter_invalid_integer", "amount"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"payment_method": "pm_nobody"}, "resource_missing", "payment_method"),
        ({"automatic_payment_methods": {"allow_redirects": "never"}}, "parameter_missing", "enabled"),
        ({"confirm": True, "payment_method": "pm_card_visa"}, None, "return_url"),
    ],
)
def test_a_refused_create_makes_nothing(client, twin, params, code, param):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        create(client, **params)
    assert (caught.value.http_status, caught.value.code, caught.value.param) == (400, code, param)
    assert "payment_intents" not in twin.control()["objects"]


def test_no_return_url_is_needed_without_redirects(client):
    params = {"automatic_payment_methods": {"enabled": True, "allow_redirects": "never"}}
    intent = create(client, confirm=True, payment_method="pm_card_visa", **params)
    assert intent.status == "succeeded"


def test_unknown_intents_are_404(client):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.retrieve("pi_nobody")
    assert (caught.value.http_status, caught.value.code) == (404, "resource_missing")


def test_lists_are_newest_first_with_cursors_and_bounds(client, twin):
    ids = []
    for offset in (-300, -200, -100, 0):
        twin.control(clock_offset_s=offset)
        ids.append(create(client).id)
    newest = list(reversed(ids))
    page = client.v1.payment_intents.list({"limit": 3})
    assert ([item.id for item in page.data], page.has_more) == (newest[:3], True)
    assert [item.id for item in client.v1.payment_intents.list({"limit": 2}).auto_paging_iter()] == newest
    before = client.v1.payment_intents.list({"limit": 2, "ending_before": newest[3]})
    assert ([item.id for item in before.data], before.has_more) == (newest[1:3], True)
    middle = client.v1.payment_intents.retrieve(ids[1]).created
    expected = {"gte": newest[:3], "gt": newest[:2], "lte": newest[2:], "lt": newest[3:]}
    for bound, found in expected.items():
        page = client.v1.payment_intents.list({"created": {bound: middle}})
        assert [item.id for item in page.data] == found


@pytest.mark.parametrize("limit", [0, 101])
def test_a_page_has_1_to_100_objects(client, limit):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.payment_intents.list({"limit": limit})
    assert caught.value.param == "limit"


def test_expansion_goes_down_the_path(client):
    paid(client)
    path = "data.latest_charge.balance_transaction"
    (intent,) = client.v1.payment_intents.list({"expand": [path]}).data
    assert intent.latest_charge.balance_transaction.amount == 5000
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        client.v1.payment_intents.retrieve(intent.id, {"expand": ["amount"]})
