"""Confirming a payment intent, with 3-D Secure where the card asks for it."""

from devkit.stripe import charges, events
from devkit.stripe.calls import Call
from devkit.stripe.cards import CARDS, Card
from devkit.stripe.errors import ApiError, missing
from devkit.stripe.intent_access import UNPAID, attach, load, require, unexpected
from devkit.stripe.params import EXPAND, Spec, boolean, clearable, string
from devkit.stripe.store import Json, render

METHOD_SPEC: Spec = {
    "payment_method": string,
    "return_url": string,
    "receipt_email": clearable,
    "use_stripe_sdk": boolean,
}
SPEC: Spec = {**EXPAND, **METHOD_SPEC, "client_secret": string}


def confirm(call: Call) -> Json:
    """POST /v1/payment_intents/{id}/confirm."""
    intent = load(call)
    require(call, intent, "confirm", UNPAID)
    check(call, intent)
    if "payment_method" in call.params:
        attach(call, intent)
    if "receipt_email" in call.params:
        intent["receipt_email"] = call.params["receipt_email"]
    run(call, intent)
    return call.show(intent)


def check(call: Call, intent: Json) -> None:
    """Refuse a confirmation that lacks a payment method or a place to return to, before anything changes."""
    if not (call.params.get("payment_method") or intent["payment_method"]):
        message = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise unexpected(call, intent, message)
    automatic = intent["automatic_payment_methods"]
    cards_only = intent["allowed_payment_method_types"] == ["card"]
    redirects = automatic is not None and automatic["allow_redirects"] == "always" and not cards_only
    if redirects and not call.publishable and "return_url" not in call.params:
        message = (
            "This PaymentIntent accepts payment methods that might redirect your customer off of your page: provide a "
            "`return_url`, or set `automatic_payment_methods[allow_redirects]` to `never` when creating it."
        )
        raise ApiError(message, param="return_url")


def run(call: Call, intent: Json) -> None:
    """Charge the intent's payment method, or ask for 3-D Secure first. A declined card raises Stripe's 402."""
    method, card = _method(call, intent)
    intent["last_payment_error"] = None
    if not card.authenticate:
        charges.attempt(call, intent, method, card)
        return
    action = {"type": "three_d_secure_redirect", "source": intent["id"]}
    intent |= {"status": "requires_action", "next_action": {"type": "use_stripe_sdk", "use_stripe_sdk": action}}
    call.store.put("payment_intents", intent)
    events.emit(call, "payment_intent.requires_action", intent)


def _method(call: Call, intent: Json) -> tuple[Json, Card]:
    method = call.store.get("payment_methods", intent["payment_method"])
    if method is None:
        raise missing("PaymentMethod", intent["payment_method"], param="payment_method", status=400)
    return method, CARDS[method["_token"]]


def authenticate(call: Call, intent: Json, *, passed: bool) -> None:
    """The customer went through 3-D Secure. A failure asks for another payment method."""
    require(call, intent, "authenticate", ("requires_action",))
    method, card = _method(call, intent)
    if passed:
        charges.attempt(call, intent, method, card)
        return
    error = ApiError(
        "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
        code="payment_intent_authentication_failure",
        members={"payment_method": render(method)},
    )
    intent |= {"status": "requires_payment_method", "payment_method": None, "next_action": None}
    intent["last_payment_error"] = error.error
    call.store.put("payment_intents", intent)
    events.emit(call, "payment_intent.payment_failed", intent)
