"""One try to hand a webhook's message over; the call stands between two transactions, never inside one."""

import json
from contextlib import AbstractContextManager
from datetime import datetime

from cms.actions import endpoints
from cms.models import Delivery
from cms.webhook import call, signature
from cms.webhook.call import Answer
from common.actor import Actor
from common.crypto import DecryptionFailed

UNREADABLE = "The key of this endpoint cannot be decrypted: rotate it, or list the FIELD_KEY that sealed it."


def _body(delivery: Delivery) -> bytes:
    message = {"type": delivery.type, "data": delivery.data}
    return json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode()


def attempt(*, delivery: Delivery, outside: AbstractContextManager[str], by: Actor, now: datetime) -> Answer:
    """Sign the message as of `now`, send it inside `outside`, and return the answer; writes nothing."""
    try:
        keys = endpoints.signing_secrets(endpoint=delivery.endpoint, by=by, now=now)
    except DecryptionFailed:
        return Answer(None, UNREADABLE, final=True)
    body = _body(delivery)
    headers = signature.headers(message_id=delivery.message_id, timestamp=int(now.timestamp()), body=body, keys=keys)
    with outside:
        return call.post(delivery.endpoint.url, body, {"Content-Type": "application/json", **headers})
