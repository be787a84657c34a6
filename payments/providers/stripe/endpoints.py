"""The webhook endpoint at Stripe: https://docs.stripe.com/api/webhook_endpoints."""

from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import urlsplit

from payments.providers.stripe.client import client
from payments.providers.stripe.constants import HANDLED_EVENTS
from payments.providers.stripe.pages import listed
from payments.providers.stripe.translation import writing
from payments.providers.stripe.version import API_VERSION

DEFAULT_VERSION = "the account's default"
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
ENABLED = "enabled"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint that speaks our version. `secret` is shown once, when it was `created`.

    `others` are enabled endpoints for the same address in another version, as (id, version).
    """

    ref: str
    created: bool
    secret: str
    others: tuple[tuple[str, str], ...]


def ensure(url: str) -> Endpoint:
    """The endpoint for `url` with our events in the pinned version, made or brought up to date.

    A version can be given at creation only, so that one in another version gets a neighbour. This machine's names are
    one address, as the twin's launcher and PUBLIC_URL may use different ones. Raises ProviderError.
    """
    v1 = client(background=True).v1
    known = [one for one in listed(v1.webhook_endpoints) if _place(one["url"]) == _place(url)]
    others = tuple(
        (str(one["id"]), str(one["api_version"] or DEFAULT_VERSION))
        for one in known
        if one["api_version"] != API_VERSION and one["status"] == ENABLED
    )
    mine = next((one for one in known if one["api_version"] == API_VERSION), None)
    params: dict[str, Any] = {"enabled_events": sorted(HANDLED_EVENTS)}
    with writing():
        if mine is not None:
            v1.webhook_endpoints.update(mine["id"], cast("Any", {**params, "disabled": False}))
            return Endpoint(str(mine["id"]), False, "", others)
        made = v1.webhook_endpoints.create(cast("Any", {**params, "url": url, "api_version": API_VERSION}))
    return Endpoint(made.id, True, str(made.secret or ""), others)


def _place(url: str) -> str:
    """The address with one name for this machine; what is no address is left for Stripe to refuse."""
    try:
        parts = urlsplit(url)
        here, port = parts.hostname in LOOPBACK_NAMES, parts.port
    except ValueError:
        return url
    return parts._replace(netloc=f"localhost:{port or ''}").geturl() if here else url
