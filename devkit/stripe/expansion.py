"""``expand[]``: ids in an answer replaced by their objects. See https://docs.stripe.com/api/expanding_objects."""

from devkit.stripe.errors import ApiError
from devkit.stripe.store import Json, Store, render

DEPTH_MAX = 4
EXPANDABLE = frozenset(
    [
        "latest_charge",
        "charge",
        "payment_intent",
        "payment_method",
        "balance_transaction",
        "failure_balance_transaction",
        "source",
    ]
)
KINDS = {
    "pi": "payment_intents", "ch": "charges", "pm": "payment_methods", "re": "refunds", "txn": "balance_transactions",
    "dp": "disputes", "po": "payouts",
}  # fmt: skip


def expand(store: Store, body: Json, paths: list[str]) -> None:
    """Replace what each dotted path names, in place. ``body`` is a rendered object or a list of them."""
    for path in paths:
        steps = path.split(".")
        if len(steps) > DEPTH_MAX:
            raise ApiError(f"You cannot expand more than {DEPTH_MAX} levels of a property ({path}).", param="expand")
        _step(store, body, steps, path)


def _step(store: Store, body: Json, steps: list[str], path: str) -> None:
    head, rest = steps[0], steps[1:]
    if body["object"] == "list" and head == "data":
        for item in body["data"]:
            if rest:
                _step(store, item, rest, path)
        return
    if head not in EXPANDABLE or head not in body:
        raise ApiError(f"This property cannot be expanded ({path}).", param="expand")
    value = body[head]
    if isinstance(value, str):
        found = store.get(KINDS[value.partition("_")[0]], value)
        value = body[head] = render(found) if found else value
    if rest and isinstance(value, dict):
        _step(store, value, rest, path)
