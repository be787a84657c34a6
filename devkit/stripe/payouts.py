"""Payouts: https://docs.stripe.com/api/payouts. Automatic ones only; ``/_control`` says when the bank is paid."""

from devkit.stripe import events, listing, shapes
from devkit.stripe.calls import Call
from devkit.stripe.errors import ApiError
from devkit.stripe.params import PAGE, Spec, choice, instants, string
from devkit.stripe.store import Json, new_id, render

STATUSES = ("paid", "pending", "in_transit", "canceled", "failed")
LIST_SPEC: Spec = {
    **PAGE, "arrival_date": instants, "created": instants, "destination": string, "status": choice(*STATUSES),
}  # fmt: skip


def pay_out(call: Call, currency: str) -> None:
    """Pay the whole balance of a currency to the bank: every entry since the last payout, net of fees."""
    store = call.store
    waiting = [
        entry for entry in store.all("balance_transactions") if entry["currency"] == currency and "_payout" not in entry
    ]
    amount = sum(entry["net"] for entry in waiting)
    if amount <= 0:
        raise ApiError(f"The balance is {amount} {currency}: there is nothing to pay out.", param="currency")
    payout = _payout(amount=amount, currency=currency, created=store.now())
    entry = shapes.balance_transaction(
        kind="payout", amount=-amount, source=payout, created=store.now(), description="STRIPE PAYOUT"
    )
    payout["balance_transaction"] = entry["id"]
    store.put("balance_transactions", entry)
    for one in (*waiting, entry):
        one["_payout"] = payout["id"]
        store.put("balance_transactions", one)
    store.put("payouts", payout)
    for kind in ("payout.created", "payout.paid", "payout.reconciliation_completed"):
        events.emit(call, kind, payout)


def _payout(*, amount: int, currency: str, created: int) -> Json:
    return {
        "id": new_id("po_"),
        "object": "payout",
        "amount": amount,
        "application_fee": None,
        "application_fee_amount": None,
        "arrival_date": created,
        "automatic": True,
        "balance_transaction": None,
        "created": created,
        "currency": currency,
        "description": "STRIPE PAYOUT",
        "destination": "ba_twin",
        "failure_balance_transaction": None,
        "failure_code": None,
        "failure_message": None,
        "livemode": False,
        "metadata": {},
        "method": "standard",
        "original_payout": None,
        "payout_method": None,
        "reconciliation_status": "completed",
        "reversed_by": None,
        "source_type": "card",
        "statement_descriptor": None,
        "status": "paid",
        "trace_id": None,
        "type": "bank_account",
    }


def fail(call: Call, payout: Json) -> None:
    """The bank sends a payout back: its amount is in the balance again and goes with the next one."""
    if payout["status"] != "paid":
        raise ApiError(f"Payout {payout['id']} has a status of {payout['status']} and cannot fail.", param="id")
    entry = shapes.balance_transaction(
        kind="payout_failure", amount=payout["amount"], source=payout, created=call.store.now(),
        category="payout_reversal", description="STRIPE PAYOUT FAILURE",
    )  # fmt: skip
    payout |= {
        "status": "failed",
        "failure_balance_transaction": entry["id"],
        "failure_code": "account_closed",
        "failure_message": "The bank account has been closed.",
    }
    call.store.put("balance_transactions", entry)
    call.store.put("payouts", payout)
    events.emit(call, "payout.failed", payout, previous={"status": "paid"})


def retrieve(call: Call) -> Json:
    """GET /v1/payouts/{id}."""
    return render(call.find("payouts", "payout"))


def list_page(call: Call) -> Json:
    """GET /v1/payouts."""
    wanted = {name: call.params[name] for name in ("destination", "status") if name in call.params}
    arrival = call.params.get("arrival_date", {})

    def keep(payout: Json) -> bool:
        day = payout["arrival_date"]
        if day < arrival.get("gte", day) or day > arrival.get("lte", day):
            return False
        if day <= arrival.get("gt", day - 1) or day >= arrival.get("lt", day + 1):
            return False
        return all(payout[name] == value for name, value in wanted.items())

    return listing.page(call, "payouts", "/v1/payouts", keep=keep)
