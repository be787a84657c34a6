"""Charges and what they do to the balance."""

from devkit.stripe import disputes, events, listing, shapes
from devkit.stripe.calls import Call
from devkit.stripe.cards import Card
from devkit.stripe.errors import ApiError
from devkit.stripe.params import EXPAND, PAGE, Spec, instants, string
from devkit.stripe.store import Json, render

LIST_SPEC: Spec = {**PAGE, "created": instants, "payment_intent": string}
RETRIEVE_SPEC: Spec = EXPAND
BALANCE_LIST_SPEC: Spec = {
    **PAGE, "created": instants, "currency": string, "payout": string, "source": string, "type": string,
}  # fmt: skip
PAYMENT_REQUIRED = 402


def attempt(call: Call, intent: Json, method: Json, card: Card) -> None:
    """Charge the card and move the intent; a declined card leaves its traces and raises Stripe's 402."""
    charge = shapes.charge(intent=intent, method=method, card=card, created=call.store.now())
    intent |= {"latest_charge": charge["id"], "next_action": None}
    if card.decline_code:
        raise _declined(call, intent, charge, method, card)
    if intent["capture_method"] == "manual":
        _authorize(call, intent, charge, card)
    else:
        take(call, intent, charge, intent["amount"])
        events.emit(call, "charge.succeeded", charge, delivery=card.delivery)
        events.emit(call, "payment_intent.succeeded", intent, delivery=card.delivery)
        disputes.follow(call, charge, card)


def _authorize(call: Call, intent: Json, charge: Json, card: Card) -> None:
    intent |= {"status": "requires_capture", "amount_capturable": intent["amount"]}
    call.store.put("charges", charge)
    call.store.put("payment_intents", intent)
    events.emit(call, "charge.succeeded", charge, delivery=card.delivery)
    events.emit(call, "payment_intent.amount_capturable_updated", intent, delivery=card.delivery)


def take(call: Call, intent: Json, charge: Json, amount: int) -> None:
    """Capture ``amount`` of an authorized charge, book it and make the intent succeed. The caller emits the events."""
    entry = shapes.balance_transaction(
        kind="charge", amount=amount, fee=shapes.charge_fee(amount, intent["currency"]), source=charge,
        created=call.store.now(), description=charge["description"],
    )  # fmt: skip
    charge |= {"captured": True, "amount_captured": amount, "balance_transaction": entry["id"]}
    intent |= {"status": "succeeded", "amount_received": amount, "amount_capturable": 0}
    call.store.put("balance_transactions", entry)
    call.store.put("charges", charge)
    call.store.put("payment_intents", intent)


def _declined(call: Call, intent: Json, charge: Json, method: Json, card: Card) -> ApiError:
    members = {
        "advice_code": "try_again_later",
        "charge": charge["id"],
        "decline_code": card.decline_code,
        "payment_method": render(method),
    }
    error = ApiError(card.message, status=PAYMENT_REQUIRED, kind="card_error", code="card_declined", members=members)
    intent |= {
        "status": "requires_payment_method",
        "payment_method": None,
        "last_payment_error": dict(error.error),
    }
    call.store.put("charges", charge)
    call.store.put("payment_intents", intent)
    events.emit(call, "charge.failed", charge)
    events.emit(call, "payment_intent.payment_failed", intent)
    error.error["payment_intent"] = call.show(intent)
    return error


def retrieve(call: Call) -> Json:
    """GET /v1/charges/{id}."""
    return render(call.find("charges", "charge"))


def list_page(call: Call) -> Json:
    """GET /v1/charges."""
    intent_id = call.params.get("payment_intent")
    return listing.page(
        call, "charges", "/v1/charges", keep=lambda charge: intent_id in (None, charge["payment_intent"])
    )


def retrieve_balance_transaction(call: Call) -> Json:
    """GET /v1/balance_transactions/{id}."""
    return render(call.find("balance_transactions", "balance transaction"))


def list_balance_transactions(call: Call) -> Json:
    """GET /v1/balance_transactions; ``payout`` gives what it paid out, and the payout's own entry."""
    wanted: Json = {name: call.params[name] for name in ("currency", "source", "type") if name in call.params}
    if "payout" in call.params:
        wanted["_payout"] = call.params["payout"]
    return listing.page(
        call,
        "balance_transactions",
        "/v1/balance_transactions",
        keep=lambda entry: all(entry.get(name) == value for name, value in wanted.items()),
    )
