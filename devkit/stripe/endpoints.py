"""Webhook endpoints: https://docs.stripe.com/api/webhook_endpoints. Only loopback addresses are taken."""

import re
from typing import Any
from urllib.parse import urlsplit

from devkit.stripe import listing, shapes
from devkit.stripe.calls import Call
from devkit.stripe.constants import API_VERSION, ROLLED_SECRET_LIFETIME_SECONDS
from devkit.stripe.errors import ApiError
from devkit.stripe.params import (
    EXPAND,
    PAGE,
    Spec,
    array,
    boolean,
    clearable,
    merge_metadata,
    metadata,
    string,
)
from devkit.stripe.store import Json, Store, new_id, render

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def address(value: Any, name: str) -> str:
    """A URL that the twin may call."""
    url = string(value, name)
    try:
        parts = urlsplit(url)
        good = parts.scheme == "http" and parts.hostname in LOOPBACK and parts.port != 0
    except ValueError:
        good = False
    if not good:
        message = f"Invalid URL: {url}. The twin calls http:// on loopback addresses only."
        raise ApiError(message, code="url_invalid", param=name)
    return url


def event_name(value: Any, name: str) -> str:
    """``*`` or the name of an event."""
    if not isinstance(value, str) or not re.fullmatch(r"\*|[a-z0-9_]+(\.[a-z0-9_]+)+", value):
        raise ApiError(f"Invalid {name}: {value} is not the name of an event", param=name)
    return value


def version(value: Any, name: str) -> str:
    """An API version such as ``2026-10-28.endive``."""
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d{2}-\d{2}(\.[a-z]+)?", value):
        raise ApiError(f"Invalid Stripe API version: {value}", param=name)
    return value


UPDATE_SPEC: Spec = {
    **EXPAND,
    "description": clearable,
    "disabled": boolean,
    "enabled_events": array(event_name),
    "metadata": metadata,
    "url": address,
}
CREATE_SPEC: Spec = {name: UPDATE_SPEC[name] for name in UPDATE_SPEC if name != "disabled"} | {"api_version": version}
LIST_SPEC: Spec = PAGE


def create(call: Call) -> Json:
    """POST /v1/webhook_endpoints; only this answer shows the secret."""
    params = call.params
    endpoint = shapes.webhook_endpoint(
        url=params["url"],
        events=params["enabled_events"],
        secret=new_id("whsec_", 32),
        created=call.store.now(),
        api_version=params.get("api_version"),
    )
    endpoint |= {"description": params.get("description"), "metadata": merge_metadata({}, params.get("metadata", {}))}
    call.store.put("webhook_endpoints", endpoint)
    return render(endpoint) | {"secret": endpoint["_secrets"][0]["secret"]}


def retrieve(call: Call) -> Json:
    """GET /v1/webhook_endpoints/{id}."""
    return render(call.find("webhook_endpoints", "webhook endpoint"))


def update(call: Call) -> Json:
    """POST /v1/webhook_endpoints/{id}; ``disabled`` stops deliveries."""
    endpoint, params = call.find("webhook_endpoints", "webhook endpoint"), call.params
    endpoint |= {name: params[name] for name in ("url", "enabled_events", "description") if name in params}
    if "metadata" in params:
        endpoint["metadata"] = merge_metadata(endpoint["metadata"], params["metadata"]) if params["metadata"] else {}
    if "disabled" in params:
        endpoint["status"] = "disabled" if params["disabled"] else "enabled"
    call.store.put("webhook_endpoints", endpoint)
    return render(endpoint)


def delete(call: Call) -> Json:
    """DELETE /v1/webhook_endpoints/{id}."""
    endpoint = call.find("webhook_endpoints", "webhook endpoint")
    call.store.remove("webhook_endpoints", endpoint["id"])
    return {"id": endpoint["id"], "object": "webhook_endpoint", "deleted": True}


def list_page(call: Call) -> Json:
    """GET /v1/webhook_endpoints."""
    return listing.page(call, "webhook_endpoints", "/v1/webhook_endpoints")


def register_own(store: Store, *, url: str, secret: str) -> Json:
    """Make sure that the endpoint given at the start exists, listens to everything and signs with ``secret``."""
    own = next((endpoint for endpoint in store.all("webhook_endpoints") if endpoint.get("_own")), None)
    if own is None:
        own = shapes.webhook_endpoint(
            url=url, events=["*"], secret=secret, created=store.now(), api_version=API_VERSION
        )  # fmt: skip
        own["_own"] = True
    own |= {"url": address(url, "url"), "status": "enabled", "api_version": API_VERSION}
    if own["_secrets"][0]["secret"] != secret:
        own["_secrets"] = [{"secret": secret, "until": None}]
    store.put("webhook_endpoints", own)
    return own


def roll_secret(store: Store, endpoint: Json, secret: str) -> None:
    """Sign with a new secret, and for a day with the old ones too."""
    until = store.now() + ROLLED_SECRET_LIFETIME_SECONDS
    older = [{"secret": old["secret"], "until": old["until"] or until} for old in endpoint["_secrets"]]
    endpoint["_secrets"] = [{"secret": secret, "until": None}, *older]
    store.put("webhook_endpoints", endpoint)


def signing_secrets(store: Store, endpoint: Json) -> list[str]:
    """The secrets that sign at present, newest first."""
    return [item["secret"] for item in endpoint["_secrets"] if item["until"] is None or item["until"] > store.now()]
