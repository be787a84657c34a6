"""Events: written when something happens to an object, listed, and queued for the webhook endpoints that want them."""

import fnmatch
import json
import time

from devkit.stripe import listing, shapes
from devkit.stripe.calls import Call
from devkit.stripe.constants import API_VERSION, EVENT_LIFETIME_SECONDS
from devkit.stripe.errors import ApiError, missing
from devkit.stripe.params import PAGE, Spec, array, boolean, instants, string
from devkit.stripe.store import Json, Store, new_id, render

TYPES_MAX = 20
LIST_SPEC: Spec = {
    **PAGE, "created": instants, "type": string, "types": array(string), "delivery_success": boolean,
}  # fmt: skip


def emit(call: Call, kind: str, subject: Json, *, delivery: str = "", previous: Json | None = None) -> None:
    """Record that ``kind`` happened to ``subject``, and queue its deliveries; ``delivery``: ``lost`` or ``twice``."""
    store = call.store
    event = shapes.event(
        kind=kind,
        snapshot=json.loads(json.dumps(render(subject))),
        created=store.now(),
        api_version=API_VERSION,
        request={"id": call.request_id, "idempotency_key": call.idempotency_key},
        previous=previous,
    )
    event |= {"_endpoints": {}, "_tally": {}}
    webhooks = store.settings.webhooks
    lost = delivery == "lost" or webhooks.lose > 0
    if webhooks.lose > 0:
        webhooks.lose -= 1
        store.settings_changed()
    for endpoint in _wanting(store, kind):
        if lost:
            note(event, endpoint["id"], "lost")
        else:
            queue(store, event, endpoint["id"], copies=2 if delivery == "twice" else webhooks.repeat)
    store.put("events", event)


def _wanting(store: Store, kind: str) -> list[Json]:
    return [
        endpoint
        for endpoint in store.all("webhook_endpoints")
        if endpoint["status"] == "enabled" and {"*", kind} & set(endpoint["enabled_events"])
    ]


def queue(store: Store, event: Json, endpoint_id: str, *, copies: int = 1) -> None:
    """Make an event wait for its delivery to one endpoint. The caller puts the event."""
    for _ in range(copies):
        moment = time.time()
        waiting = {"id": new_id("whd_"), "created": store.now(), "event": event["id"], "endpoint": endpoint_id}
        store.put("waiting_deliveries", waiting | {"attempts": 0, "since": moment, "due": moment})
    event["_endpoints"].setdefault(endpoint_id, "waiting")
    event["pending_webhooks"] = _pending(event)


def resend(store: Store, event_id: str) -> None:
    """Deliver a past event again to every endpoint that wants it. An unknown event is refused."""
    event = store.get("events", event_id)
    if event is None:
        raise missing("event", event_id)
    for endpoint in _wanting(store, event["type"]):
        queue(store, event, endpoint["id"])
    store.put("events", event)


def note(event: Json, endpoint_id: str, state: str) -> None:
    """Record how a delivery ended: ``delivered``, ``failed`` or ``lost``. A success is never taken back."""
    event["_tally"][state] = event["_tally"].get(state, 0) + 1
    if event["_endpoints"].get(endpoint_id) != "delivered":
        event["_endpoints"][endpoint_id] = state
    event["pending_webhooks"] = _pending(event)


def _pending(event: Json) -> int:
    return sum(state != "delivered" for state in event["_endpoints"].values())


def retrieve(call: Call) -> Json:
    """GET /v1/events/{id}."""
    return render(call.find("events", "event"))


def list_page(call: Call) -> Json:
    """GET /v1/events: the last 30 days, filtered by type and by whether every endpoint has answered 2xx."""
    wanted = call.params.get("types", [])
    if "type" in call.params:
        if wanted:
            raise ApiError("You may only specify one of these parameters: type, types.", param="types")
        wanted = [call.params["type"]]
    if len(wanted) > TYPES_MAX:
        raise ApiError(f"Invalid array: types takes up to {TYPES_MAX} names.", param="types")
    success = call.params.get("delivery_success")
    oldest = call.store.now() - EVENT_LIFETIME_SECONDS

    def keep(event: Json) -> bool:
        if event["created"] < oldest or (success is not None and success == bool(event["pending_webhooks"])):
            return False
        return not wanted or any(fnmatch.fnmatchcase(event["type"], pattern) for pattern in wanted)

    return listing.page(call, "events", "/v1/events", keep=keep)
