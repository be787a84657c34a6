"""System checks: what is half configured."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks

from payments.providers.stripe.signature import usable


@checks.register()
def stripe_is_complete(app_configs: Any, **_: object) -> Sequence[checks.CheckMessage]:
    """E001: a blank webhook secret, with which anybody could sign; W001, W002: what is missing beside a key."""
    found: list[checks.CheckMessage] = []
    given = settings.STRIPE_WEBHOOK_SECRET
    if len(usable(given)) != len(given):
        found.append(checks.Error("STRIPE_WEBHOOK_SECRET holds a blank secret.", id="payments.E001"))
    if settings.PAYMENTS_MODE == "off":
        return found  # `check --deploy` says so as advice: a site may do without
    if not given:
        text = "STRIPE_WEBHOOK_SECRET is not set: webhooks answer 503 and only reconciliation sees payments."
        found.append(checks.Warning(text, id="payments.W001"))
    if not settings.STRIPE_PUBLISHABLE_KEY:
        text = "STRIPE_PUBLISHABLE_KEY is not set: the payment page cannot show Stripe's form."
        found.append(checks.Warning(text, id="payments.W002"))
    return found
