"""Where the provider sends its events."""

from django.conf import settings
from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.target import Target
from payments.providers.errors import NotConfigured
from payments.providers.stripe import endpoints
from payments.providers.stripe.endpoints import Endpoint


def register(*, url: str, by: Actor) -> Endpoint:
    """Make sure that Stripe sends our events to `url` in our version of its API. Raises ProviderError."""
    if settings.PAYMENTS_MODE == "off":
        raise NotConfigured("STRIPE_SECRET is not set.")
    endpoint = endpoints.ensure(url)
    with transaction.atomic():
        record(
            action="payment.endpoint_registered",
            by=by,
            target=Target("payments.webhookendpoint", endpoint.ref, url),
            after={"created": endpoint.created},
        )
    return endpoint
