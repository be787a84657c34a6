"""Disputes: https://docs.stripe.com/api/disputes. A chargeback takes the money at once; an inquiry takes none."""

from typing import Any

from devkit.stripe import events, listing, shapes
from devkit.stripe.calls import Call
from devkit.stripe.cards import Card
from devkit.stripe.constants import DISPUTE_RESPONSE_SECONDS
from devkit.stripe.errors import ApiError
from devkit.stripe.params import (
    EXPAND,
    PAGE,
    Spec,
    boolean,
    clearable,
    instants,
    merge_metadata,
    metadata,
    shape,
    string,
)
from devkit.stripe.store import Json, Store, new_id, render

DISPUTE_FEE = 1500
"""Stripe's 15.00, charged in the payment's currency here; it is not given back when the dispute is won."""

INQUIRIES = ("warning_needs_response", "warning_under_review", "warning_closed")
OPEN = ("needs_response", "under_review", "warning_needs_response", "warning_under_review")
EVIDENCE = (
    "access_activity_log", "billing_address", "cancellation_policy", "cancellation_policy_disclosure",
    "cancellation_rebuttal", "customer_communication", "customer_email_address", "customer_name",
    "customer_purchase_ip", "customer_signature", "duplicate_charge_documentation", "duplicate_charge_explanation",
    "duplicate_charge_id", "product_description", "receipt", "refund_policy", "refund_policy_disclosure",
    "refund_refusal_explanation", "service_date", "service_documentation", "shipping_address", "shipping_carrier",
    "shipping_date", "shipping_documentation", "shipping_tracking_number", "uncategorized_file", "uncategorized_text",
)  # fmt: skip
VERDICTS = {"winning_evidence": True, "losing_evidence": False}
"""What a test writes into ``uncategorized_text`` to decide the dispute: https://docs.stripe.com/testing#disputes."""

LIST_SPEC: Spec = {**PAGE, "created": instants, "charge": string, "payment_intent": string}
UPDATE_SPEC: Spec = {
    **EXPAND, "evidence": shape(dict.fromkeys(EVIDENCE, clearable)), "metadata": metadata, "submit": boolean,
}  # fmt: skip


def follow(call: Call, charge: Json, card: Card) -> None:
    """Open the dispute that the card asks for, right after its charge was paid."""
    if card.dispute:
        _open(call, charge, card)


def blocks_refunds(store: Store, charge: Json) -> bool:
    """Whether the charge's money is gone or held back by a dispute; an inquiry and a dispute that was won do not."""
    found = (item for item in store.all("disputes") if item["charge"] == charge["id"])
    return any(item["status"] not in (*INQUIRIES, "won") for item in found)


def _open(call: Call, charge: Json, card: Card) -> None:
    dispute = _dispute(charge=charge, status=card.dispute, created=call.store.now())
    charge["disputed"] = True
    call.store.put("charges", charge)
    if card.dispute not in INQUIRIES:
        _move(call, dispute, amount=-dispute["amount"], fee=DISPUTE_FEE, category="dispute")
    call.store.put("disputes", dispute)
    events.emit(call, "charge.dispute.created", dispute, delivery=card.delivery)
    if dispute["balance_transactions"]:
        events.emit(call, "charge.dispute.funds_withdrawn", dispute, delivery=card.delivery)


def _dispute(*, charge: Json, status: str, created: int) -> Json:
    inquiry = status in INQUIRIES
    return {
        "id": new_id("dp_"),
        "object": "dispute",
        "amount": charge["amount_captured"],
        "balance_transactions": [],
        "charge": charge["id"],
        "created": created,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(EVIDENCE), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": created + DISPUTE_RESPONSE_SECONDS,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
        },
        "is_charge_refundable": inquiry,
        "livemode": False,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "payment_method_details": {
            "card": {"brand": "visa", "case_type": "inquiry" if inquiry else "chargeback", "network_reason_code": "83"},
            "type": "card",
        },
        "reason": "fraudulent",
        "status": status,
    }


def _move(call: Call, dispute: Json, *, amount: int, fee: int, category: str) -> None:
    entry = shapes.balance_transaction(
        kind="adjustment", amount=amount, fee=fee, source=dispute, created=call.store.now(), category=category,
        description=f"Chargeback {'withdrawal' if amount < 0 else 'reversal'} for {dispute['charge']}",
    )  # fmt: skip
    call.store.put("balance_transactions", entry)
    dispute["balance_transactions"] = [*dispute["balance_transactions"], render(entry)]


def close(call: Call, dispute: Json, *, won: bool) -> None:
    """The bank decides: what was withdrawn comes back, or not. An inquiry can only be closed in our favour."""
    if dispute["status"] not in OPEN:
        raise ApiError(f"This dispute is already closed, with a status of {dispute['status']}.", param="id")
    inquiry = dispute["status"] in INQUIRIES
    if inquiry and not won:
        raise ApiError("An inquiry moves no money and cannot be lost.", param="outcome")
    before = {"status": dispute["status"]}
    dispute["status"] = "warning_closed" if inquiry else "won" if won else "lost"
    if won and not inquiry:
        _move(call, dispute, amount=dispute["amount"], fee=0, category="dispute_reversal")
        dispute["is_charge_refundable"] = True
    call.store.put("disputes", dispute)
    events.emit(call, "charge.dispute.closed", dispute, previous=before)
    if won and not inquiry:
        events.emit(call, "charge.dispute.funds_reinstated", dispute)


def update(call: Call) -> Json:
    """POST /v1/disputes/{id}: stage evidence, and hand it in unless ``submit`` is false."""
    dispute, params = call.find("disputes", "dispute"), call.params
    if dispute["status"] not in OPEN:
        raise ApiError("This dispute is already closed.", param="id")
    before: dict[str, Any] = {"status": dispute["status"], "metadata": dispute["metadata"]}
    dispute["evidence"] = {**dispute["evidence"], **params.get("evidence", {})}
    if "metadata" in params:
        dispute["metadata"] = merge_metadata(dispute["metadata"], params["metadata"]) if params["metadata"] else {}
    details = dispute["evidence_details"]
    details["has_evidence"] = any(dispute["evidence"][name] for name in EVIDENCE)
    submitted = params.get("submit", True) and details["has_evidence"]
    if submitted:
        details["submission_count"] += 1
        dispute["status"] = "warning_under_review" if dispute["status"] in INQUIRIES else "under_review"
    call.store.put("disputes", dispute)
    events.emit(call, "charge.dispute.updated", dispute, previous=before)
    verdict = VERDICTS.get(dispute["evidence"]["uncategorized_text"] or "")
    if submitted and verdict is not None:
        close(call, dispute, won=verdict)
    return render(dispute)


def accept(call: Call) -> Json:
    """POST /v1/disputes/{id}/close: we give in, and the dispute is lost."""
    dispute = call.find("disputes", "dispute")
    close(call, dispute, won=False)
    return render(dispute)


def retrieve(call: Call) -> Json:
    """GET /v1/disputes/{id}."""
    return render(call.find("disputes", "dispute"))


def list_page(call: Call) -> Json:
    """GET /v1/disputes."""
    wanted = {name: call.params[name] for name in ("charge", "payment_intent") if name in call.params}
    return listing.page(
        call, "disputes", "/v1/disputes", keep=lambda item: all(item[name] == wanted[name] for name in wanted)
    )
