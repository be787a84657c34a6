"""Payment intents: https://docs.stripe.com/api/payment_intents."""

from typing import Any

from devkit.stripe import charges, confirmation, disputes, events, listing, shapes
from devkit.stripe.calls import Call
from devkit.stripe.currencies import check_amount, currency
from devkit.stripe.errors import ApiError
from devkit.stripe.intent_access import CANCELABLE, UNPAID, attach, card_of, load, merged_metadata, require
from devkit.stripe.params import (
    EXPAND,
    PAGE,
    Spec,
    array,
    boolean,
    choice,
    clearable,
    instants,
    metadata,
    positive,
    shape,
    string,
)
from devkit.stripe.store import Json

_TEXTS: Spec = dict.fromkeys(
    ("description", "receipt_email", "statement_descriptor", "statement_descriptor_suffix"), clearable
)
CREATE_SPEC: Spec = {
    **EXPAND,
    **_TEXTS,
    **confirmation.METHOD_SPEC,
    "amount": positive,
    "currency": currency,
    "allowed_payment_method_types": array(string),
    "automatic_payment_methods": shape(
        {"enabled": boolean, "allow_redirects": choice("always", "never")}, required=("enabled",)
    ),
    "capture_method": choice("automatic", "automatic_async", "manual"),
    "confirm": boolean,
    "metadata": metadata,
}
UPDATE_SPEC: Spec = {
    **EXPAND, **_TEXTS, "amount": positive, "currency": currency, "metadata": metadata, "payment_method": string,
}  # fmt: skip
CAPTURE_SPEC: Spec = {**EXPAND, "amount_to_capture": positive, "metadata": metadata}
CANCEL_SPEC: Spec = {
    **EXPAND, "cancellation_reason": choice("abandoned", "duplicate", "fraudulent", "requested_by_customer"),
}  # fmt: skip
RETRIEVE_SPEC: Spec = {**EXPAND, "client_secret": string}
LIST_SPEC: Spec = {**PAGE, "created": instants}


def create(call: Call) -> Json:
    """POST /v1/payment_intents, with ``confirm`` if asked for."""
    params = call.params
    check_amount(params["amount"], params["currency"])
    fields: Json = {name: params[name] for name in (*_TEXTS, "capture_method", "metadata") if name in params}
    fields |= _methods(params)
    intent = shapes.payment_intent(
        amount=params["amount"], currency=params["currency"], created=call.store.now(), fields=fields
    )
    if params.get("confirm"):
        confirmation.check(call, intent)
    if "payment_method" in params:
        attach(call, intent)
    call.store.put("payment_intents", intent)
    events.emit(call, "payment_intent.created", intent)
    if params.get("confirm"):
        confirmation.run(call, intent)
    return call.show(intent)


def _methods(params: dict[str, Any]) -> Json:
    allowed = params.get("allowed_payment_method_types")
    if allowed is not None and "card" not in allowed:
        message = "None of the payment method types given is activated: this account takes cards only."
        raise ApiError(message, param="allowed_payment_method_types")
    given = params.get("automatic_payment_methods", {"enabled": True})
    automatic = {"allow_redirects": "always", **given} if given["enabled"] else None
    return {"allowed_payment_method_types": allowed, "automatic_payment_methods": automatic}


def retrieve(call: Call) -> Json:
    """GET /v1/payment_intents/{id}."""
    return call.show(load(call))


def update(call: Call) -> Json:
    """POST /v1/payment_intents/{id}: what is charged may change until it is paid, texts and metadata always."""
    intent, params = load(call), call.params
    if {"amount", "currency", "payment_method"} & set(params):
        require(call, intent, "update", UNPAID)
    amount: int = params["amount"] if "amount" in params else intent["amount"]
    code: str = params["currency"] if "currency" in params else intent["currency"]
    check_amount(amount, code)
    if "payment_method" in params:
        attach(call, intent)
    intent |= {"amount": amount, "currency": code} | {name: params[name] for name in _TEXTS if name in params}
    intent["metadata"] = merged_metadata(intent, params)
    call.store.put("payment_intents", intent)
    return call.show(intent)


def capture(call: Call) -> Json:
    """POST /v1/payment_intents/{id}/capture: takes what was authorized, or less, and releases the rest."""
    intent = load(call)
    require(call, intent, "capture", ("requires_capture",))
    amount = int(call.params.get("amount_to_capture") or intent["amount_capturable"])
    if amount > intent["amount_capturable"]:
        message = f"The remaining amount to capture is {intent['amount_capturable']}, less than {amount}."
        raise ApiError(message, code="amount_too_large", param="amount_to_capture")
    charge = call.store.get("charges", intent["latest_charge"]) or {}
    intent["metadata"] = merged_metadata(intent, call.params)
    charges.take(call, intent, charge, amount)
    events.emit(call, "charge.captured", charge)
    events.emit(call, "payment_intent.succeeded", intent)
    disputes.follow(call, charge, card_of(call.store, charge))
    return call.show(intent)


def cancel(call: Call) -> Json:
    """POST /v1/payment_intents/{id}/cancel: nothing more can be paid; an authorization is released."""
    intent = load(call)
    require(call, intent, "cancel", CANCELABLE)
    held = call.store.get("charges", intent["latest_charge"] or "") if intent["status"] == "requires_capture" else None
    intent |= {
        "status": "canceled",
        "canceled_at": call.store.now(),
        "cancellation_reason": call.params.get("cancellation_reason"),
        "amount_capturable": 0,
        "next_action": None,
    }
    call.store.put("payment_intents", intent)
    if held is not None:
        held |= {"refunded": True, "amount_refunded": held["amount"]}
        call.store.put("charges", held)
        events.emit(call, "charge.refunded", held)
    events.emit(call, "payment_intent.canceled", intent)
    return call.show(intent)


def list_page(call: Call) -> Json:
    """GET /v1/payment_intents."""
    return listing.page(call, "payment_intents", "/v1/payment_intents")
