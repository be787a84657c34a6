"""The SDK's client with timeouts that a web worker can bear; Stripe's defaults may hold one for four minutes."""

from functools import lru_cache

import stripe
from django.conf import settings

from payments.providers.stripe.constants import (
    CONNECT_TIMEOUT_SECONDS,
    JOB_RETRIES,
    READ_TIMEOUT_SECONDS,
    REQUEST_RETRIES,
)

stripe.enable_telemetry = False


def client(*, background: bool) -> stripe.StripeClient:
    """The client of the configured account; connections are kept per thread."""
    retries = JOB_RETRIES if background else REQUEST_RETRIES
    return _client(settings.STRIPE_SECRET, settings.STRIPE_API_BASE, retries)


@lru_cache(maxsize=8)
def _client(secret: str, api_base: str, retries: int) -> stripe.StripeClient:
    http = stripe.RequestsClient(timeout=(CONNECT_TIMEOUT_SECONDS, READ_TIMEOUT_SECONDS))
    if api_base:
        return stripe.StripeClient(
            secret, base_addresses={"api": api_base}, http_client=http, max_network_retries=retries
        )
    return stripe.StripeClient(secret, http_client=http, max_network_retries=retries)
