"""Sentry: errors of web and jobs with their request id, scrubbed of secrets, tokens and personal fields."""

from typing import Any

import sentry_sdk
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.types import Event, Hint

from common import context
from common.masking import mask

HIDDEN = "[hidden]"
PRIVATE_NAMES = (
    *("password", "secret", "token", "authorization", "cookie", "code", "signature", "key", "sha256", "body"),
    *("email", "phone", "name", "address", "notes"),
)
KEPT_NAMES = {"filename", "server_name", "transaction", "name", "handled"}


def start(dsn: str, *, release: str, environment: str) -> None:
    """Switch reporting on; neither bodies, cookies nor users are sent."""
    sentry_sdk.init(
        dsn=dsn,
        release=release,
        environment=environment,
        max_request_body_size="never",
        include_local_variables=False,
        traces_sample_rate=0.0,
        before_send=scrub,
        default_integrations=True,
        auto_enabling_integrations=False,
        integrations=[DjangoIntegration(), CeleryIntegration(), LoggingIntegration(event_level=None)],
    )


def scrub(event: Event, hint: Hint) -> Event:
    """Add the request id, hide private members by name, and mask tokens in every text."""
    now = context.current()
    event.setdefault("tags", {}).update({"request_id": now.request_id, "job_id": now.job_id})
    event.pop("user", None)
    request = event.get("request")
    if isinstance(request, dict):
        for member in ("cookies", "data", "env", "query_string"):
            request.pop(member, None)
    event.pop("breadcrumbs", None)
    cleaned: Event = _clean(event)
    return cleaned


def _clean(value: Any, name: str = "") -> Any:
    if isinstance(value, str):
        private = name and any(part in name.lower() for part in PRIVATE_NAMES) and name not in KEPT_NAMES
        return HIDDEN if private else mask(value)
    if isinstance(value, dict):
        return {key: _clean(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [_clean(inner, name) for inner in value]
    return value
