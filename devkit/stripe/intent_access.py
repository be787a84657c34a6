"""Finding a payment intent for a call, and what its status allows."""

import hmac
from typing import Any

from devkit.stripe import shapes
from devkit.stripe.calls import Call
from devkit.stripe.cards import CARDS, Card
from devkit.stripe.errors import ApiError, missing
from devkit.stripe.params import merge_metadata
from devkit.stripe.store import Json, Store

UNPAID = ("requires_payment_method", "requires_confirmation", "requires_action")
CANCELABLE = (*UNPAID, "requires_capture", "processing")


def load(call: Call) -> Json:
    """The intent of the path; whoever has only a publishable key must know its client secret."""
    intent = call.find("payment_intents", "payment_intent", param="intent")
    secret = call.params.get("client_secret")
    if secret is None and call.publishable:
        raise ApiError("Missing required param: client_secret.", code="parameter_missing", param="client_secret")
    if secret is not None and not hmac.compare_digest(secret.encode(), intent["client_secret"].encode()):
        message = "The client_secret provided does not match the client_secret associated with the PaymentIntent."
        raise ApiError(message, code="payment_intent_invalid_parameter", param="client_secret")
    return intent


def unexpected(call: Call, intent: Json, message: str) -> ApiError:
    """What Stripe answers when the intent's status does not allow the call."""
    return ApiError(message, code="payment_intent_unexpected_state", members={"payment_intent": call.show(intent)})


def require(call: Call, intent: Json, verb: str, allowed: tuple[str, ...]) -> None:
    """Refuse the call unless the intent's status is one of ``allowed``."""
    if intent["status"] not in allowed:
        message = (
            f"You cannot {verb} this PaymentIntent because it has a status of {intent['status']}. "
            f"Only a PaymentIntent with one of the following statuses allows it: {', '.join(allowed)}."
        )
        raise unexpected(call, intent, message)


def attach(call: Call, intent: Json) -> None:
    """Give the intent the payment method of the call, made from its test token when it is one."""
    token = call.params["payment_method"]
    method = call.store.get("payment_methods", token)
    if method is None:
        if token not in CARDS:
            raise missing("PaymentMethod", token, param="payment_method", status=400)
        method = shapes.payment_method(token=token, card=CARDS[token], created=call.store.now())
        call.store.put("payment_methods", method)
    intent |= {"payment_method": method["id"], "status": "requires_confirmation", "next_action": None}


def card_of(store: Store, charge: Json) -> Card:
    """The test card that a charge was made to."""
    method = store.get("payment_methods", charge["payment_method"])
    return CARDS[method["_token"] if method else "pm_card_visa"]


def merged_metadata(intent: Json, params: dict[str, Any]) -> dict[str, str]:
    """The intent's metadata after this call; the empty value removes all of it."""
    changes = params.get("metadata")
    return {} if changes == {} else merge_metadata(intent["metadata"], changes or {})
