"""What Stripe's events mean."""

from collections.abc import Mapping
from typing import Any

from payments.providers.protocol import Missed, PayoutSnapshot, Snapshot
from payments.providers.stripe import translation
from payments.providers.stripe.constants import FOLLOWING_EVENTS, HANDLED_EVENTS, INTENT_EVENTS
from payments.providers.stripe.version import API_VERSION


def handles(kind: str) -> bool:
    """Whether events of this type are acted on. `payment_intent.created` is not: it may overtake our own answer."""
    return kind in HANDLED_EVENTS


def snapshot(*, kind: str, api_version: str, payload: dict[str, Any], created: int) -> Snapshot | None:
    """The PaymentIntent of the event, if it was written in the version of the API that we speak."""
    if kind not in INTENT_EVENTS or api_version != API_VERSION:
        return None
    try:
        return translation.snapshot(payload["data"]["object"], as_of=created)
    except (KeyError, TypeError, AttributeError, ValueError):
        return None


def payment_ref(payload: dict[str, Any]) -> str:
    """The PaymentIntent's id, in the object itself or named by a charge, refund or dispute."""
    thing = _thing(payload)
    is_intent = thing.get("object") == "payment_intent"
    return translation.ref_of(thing) if is_intent else translation.ref_of(thing.get("payment_intent"))


def payout_ref(payload: dict[str, Any]) -> str:
    """The Payout's id, where the event's object is one."""
    thing = _thing(payload)
    return translation.ref_of(thing) if thing.get("object") == "payout" else ""


def payout(*, api_version: str, payload: dict[str, Any]) -> PayoutSnapshot | None:
    """The Payout of the event, if it was written in the version of the API that we speak."""
    if not payout_ref(payload) or api_version != API_VERSION:
        return None
    try:
        return translation.payout_snapshot(_thing(payload))
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError, OSError):
        return None


def missed(event: Mapping[str, Any]) -> Missed:
    """What an event of the list tells of."""
    payload = dict(event)
    created = _thing(payload).get("created")
    follows = event.get("type") in FOLLOWING_EVENTS
    return Missed(payment_ref(payload), created if isinstance(created, int) else 0, follows)


def _thing(payload: dict[str, Any]) -> Mapping[str, Any]:
    data = payload.get("data")
    thing = data.get("object") if isinstance(data, Mapping) else None
    return thing if isinstance(thing, Mapping) else {}
