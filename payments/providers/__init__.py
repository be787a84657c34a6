"""The providers: one folder each, the same file names in each."""

from django.conf import settings

from payments.constants import Provider
from payments.errors import PaymentsNotConfigured
from payments.providers.errors import NotConfigured
from payments.providers.protocol import EventReader, PaymentProvider
from payments.providers.stripe import adapter as stripe
from payments.providers.stripe import currencies
from payments.providers.stripe import events as stripe_events


def get(name: str, *, background: bool = False) -> PaymentProvider:
    """The adapter of a provider; `background` allows it more retries than a request may wait for.

    Raises NotConfigured for a provider without keys.
    """
    if name != Provider.STRIPE or settings.PAYMENTS_MODE == "off":
        raise NotConfigured(f"{name} is not set up.")
    return stripe.adapter(background=background)


def required(name: str, *, background: bool = False) -> PaymentProvider:
    """As `get`, for those who answer a person: raises the problem PaymentsNotConfigured for a provider without keys."""
    try:
        return get(name, background=background)
    except NotConfigured as error:
        raise PaymentsNotConfigured from error


def reader(name: str) -> EventReader:
    """What a provider's stored events mean; needs no keys. Raises NotConfigured for one that sends none."""
    if name != Provider.STRIPE:
        raise NotConfigured(f"{name} sends no events.")
    return stripe_events


def chargeable() -> frozenset[str]:
    """The currencies that any provider charges in."""
    return currencies.CHARGED


def configured() -> list[str]:
    """The names of the providers that have keys."""
    return [] if settings.PAYMENTS_MODE == "off" else [Provider.STRIPE.value]
