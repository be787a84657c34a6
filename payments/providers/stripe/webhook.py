"""From a webhook's bytes to an event that is proved to come from Stripe."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.conf import settings

from payments.providers.errors import InvalidRequest, NotConfigured
from payments.providers.protocol import InboxEvent
from payments.providers.stripe import signature
from payments.providers.stripe.constants import SIGNATURE_TOLERANCE_SECONDS
from payments.providers.stripe.translation import ref_of

LONGEST_ID = 255
LONGEST_TYPE = 100
DEEPEST_NESTING = 64  # of an event; Stripe's own stay below twenty


def parse(header: str, body: bytes, *, now: datetime) -> InboxEvent:
    """The event of a genuine webhook. Raises NotConfigured without a secret, InvalidRequest for everything else."""
    secrets = signature.usable(settings.STRIPE_WEBHOOK_SECRET)
    if not secrets:
        raise NotConfigured("STRIPE_WEBHOOK_SECRET is not set.")
    verified = signature.verify(header, body, secrets)
    if verified is None:
        raise InvalidRequest("No listed secret signed this body.")
    secret_id, signed_at = verified
    if abs(now.timestamp() - signed_at) > SIGNATURE_TOLERANCE_SECONDS:
        raise InvalidRequest("The body was signed at another time.")
    try:
        return _event(json.loads(body), secret_id)
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidRequest("The body is not an event.") from error


def _event(payload: Any, secret_id: str) -> InboxEvent:
    """Stripe's event, also the thin kind of its v2 API, which has no object inside."""
    if not isinstance(payload, dict):
        raise TypeError("An event is an object.")
    payload = _storable(payload)
    event_id, kind = payload["id"], payload["type"]
    if not _is_text(event_id, LONGEST_ID) or not _is_text(kind, LONGEST_TYPE):
        raise TypeError("An event has an id and a type.")
    data = payload.get("data")
    thing = data.get("object") if isinstance(data, Mapping) else None
    thing = thing if isinstance(thing, Mapping) else {}
    created = payload.get("created")
    version = payload.get("api_version")
    return InboxEvent(
        event_id=event_id,
        type=kind,
        livemode=payload.get("livemode") is True,
        created=created if isinstance(created, int) and 0 <= created < 2**62 else 0,
        api_version=version[:40] if isinstance(version, str) else "",
        object_id=ref_of(thing)[:LONGEST_ID],
        payload=payload,
        secret_id=secret_id,
    )


def _is_text(value: Any, longest: int) -> bool:
    return isinstance(value, str) and 0 < len(value) <= longest and value.isprintable()


def _storable(value: Any) -> Any:
    """PostgreSQL's jsonb takes no NUL and no lone surrogate; both become a replacement character.

    Raises ValueError for NaN and Infinity, which are no JSON, and for what is nested too deeply to be walked through.
    """
    _refuse_deep(value)
    text = json.dumps(value, allow_nan=False)
    if "\\u0000" not in text and "\\ud" not in text:
        return value
    return _clean(value)


def _refuse_deep(value: Any) -> None:
    layer = [value]
    for _ in range(DEEPEST_NESTING):
        parents = [one for one in layer if isinstance(one, dict | list)]
        layer = [inner for one in parents for inner in (one.values() if isinstance(one, dict) else one)]
        if not layer:
            return
    raise ValueError("The body is nested too deeply.")


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_clean(key): _clean(inner) for key, inner in value.items()}
    return [_clean(inner) for inner in value] if isinstance(value, list) else value
