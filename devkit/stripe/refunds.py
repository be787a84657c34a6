"""Refunds: https://docs.stripe.com/api/refunds. Those to cards succeed at once; some fail a little later."""

from devkit.stripe import events, listing, shapes
from devkit.stripe.calls import Call
from devkit.stripe.constants import REFUND_FAILS_AFTER_SECONDS
from devkit.stripe.disputes import blocks_refunds
from devkit.stripe.errors import ApiError, missing
from devkit.stripe.intent_access import card_of
from devkit.stripe.params import EXPAND, PAGE, Spec, choice, instants, merge_metadata, metadata, positive, string
from devkit.stripe.store import Json, Store, render

CREATE_SPEC: Spec = {
    **EXPAND,
    "amount": positive,
    "charge": string,
    "payment_intent": string,
    "reason": choice("duplicate", "fraudulent", "requested_by_customer"),
    "metadata": metadata,
}
UPDATE_SPEC: Spec = {**EXPAND, "metadata": metadata}
LIST_SPEC: Spec = {**PAGE, "created": instants, "charge": string, "payment_intent": string}


def create(call: Call) -> Json:
    """POST /v1/refunds: all that is left of a captured charge, or ``amount`` of it."""
    charge = _charge(call)
    left = charge["amount_captured"] - charge["amount_refunded"]
    if left <= 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise ApiError(message, code="charge_already_refunded")
    amount = call.params.get("amount", left)
    if amount > left:
        message = f"Refund amount ({amount}) is greater than unrefunded amount on charge ({left})."
        raise ApiError(message, param="amount")
    refund = shapes.refund(
        charge=charge,
        amount=amount,
        created=call.store.now(),
        reason=call.params.get("reason"),
        metadata=merge_metadata({}, call.params.get("metadata", {})),
    )
    _book(call, refund, charge)
    return render(refund)


def _charge(call: Call) -> Json:
    if ("charge" in call.params) == ("payment_intent" in call.params):
        raise ApiError("One of the following params should be provided for this request: payment_intent or charge.")
    charge_id = call.params.get("charge") or _charge_of_intent(call, call.params["payment_intent"])
    charge = call.store.get("charges", charge_id)
    if charge is None:
        raise missing("charge", charge_id, param="charge")
    if not charge["captured"]:
        raise ApiError(f"Charge {charge_id} has not been captured; nothing can be refunded.", param="charge")
    if blocks_refunds(call.store, charge):
        raise ApiError(f"Charge {charge_id} has been charged back; cannot issue a refund.", code="charge_disputed")
    return charge


def _charge_of_intent(call: Call, intent_id: str) -> str:
    intent = call.store.get("payment_intents", intent_id)
    if intent is None:
        raise missing("payment_intent", intent_id, param="payment_intent")
    if intent["status"] != "succeeded":
        raise ApiError(f"This PaymentIntent ({intent_id}) does not have a successful charge to refund.")
    return str(intent["latest_charge"])


def _book(call: Call, refund: Json, charge: Json) -> None:
    entry = shapes.balance_transaction(
        kind="refund", amount=-refund["amount"], source=refund, created=call.store.now(), description=None
    )
    refund["balance_transaction"] = entry["id"]
    before = {"amount_refunded": charge["amount_refunded"], "refunded": charge["refunded"]}
    charge["amount_refunded"] += refund["amount"]
    charge["refunded"] = charge["amount_refunded"] == charge["amount_captured"]
    call.store.put("balance_transactions", entry)
    call.store.put("refunds", refund)
    call.store.put("charges", charge)
    events.emit(call, "refund.created", refund)
    events.emit(call, "charge.refunded", charge, previous=before)
    if card_of(call.store, charge).refund_fails:
        due = refund["created"] + REFUND_FAILS_AFTER_SECONDS
        call.store.put("failing_refunds", {"id": refund["id"], "created": refund["created"], "due": due})


def fail_due(store: Store) -> None:
    """Fail the refunds whose time has come by the account's clock. The caller holds the lock and commits."""
    for waiting in store.all("failing_refunds"):
        if waiting["due"] <= store.now():
            refund = store.get("refunds", waiting["id"])
            if refund is not None and refund["status"] == "succeeded":
                fail(Call(store), refund)
            store.remove("failing_refunds", waiting["id"])


def fail(call: Call, refund: Json) -> None:
    """The customer's bank sends the money back: the balance has it again and the charge counts it no more."""
    if refund["status"] != "succeeded":
        raise ApiError(f"Refund {refund['id']} has a status of {refund['status']} and cannot fail.", param="id")
    charge = call.store.get("charges", refund["charge"])
    if charge is None:
        raise missing("charge", refund["charge"], param="charge")
    entry = shapes.balance_transaction(
        kind="refund_failure", amount=refund["amount"], source=refund, created=call.store.now()
    )
    before = {"status": refund["status"]}
    refund |= {
        "status": "failed",
        "failure_reason": "lost_or_stolen_card",
        "failure_balance_transaction": entry["id"],
    }
    charge |= {"amount_refunded": charge["amount_refunded"] - refund["amount"], "refunded": False}
    call.store.put("balance_transactions", entry)
    call.store.put("refunds", refund)
    call.store.put("charges", charge)
    for kind in ("refund.updated", "charge.refund.updated", "refund.failed"):
        events.emit(call, kind, refund, previous=before)


def retrieve(call: Call) -> Json:
    """GET /v1/refunds/{id}."""
    return render(call.find("refunds", "refund"))


def update(call: Call) -> Json:
    """POST /v1/refunds/{id}: only its metadata can change."""
    refund = call.find("refunds", "refund")
    before = {"metadata": refund["metadata"]}
    changes = call.params.get("metadata", {})
    refund["metadata"] = (
        {} if changes == {} and "metadata" in call.params else merge_metadata(refund["metadata"], changes)
    )
    call.store.put("refunds", refund)
    events.emit(call, "refund.updated", refund, previous=before)
    events.emit(call, "charge.refund.updated", refund, previous=before)
    return render(refund)


def list_page(call: Call) -> Json:
    """GET /v1/refunds."""
    wanted = {name: call.params[name] for name in ("charge", "payment_intent") if name in call.params}
    return listing.page(
        call,
        "refunds",
        "/v1/refunds",
        keep=lambda refund: all(refund[name] == value for name, value in wanted.items()),
    )
