"""Reads of payments that others share."""

from django.conf import settings

from common.attention import Attention
from common.health import Check


def health() -> Check:
    """Whether payments are configured, and in which mode."""
    if settings.PAYMENTS_MODE == "off":
        return Check("payments", "degraded", "payments_not_configured", {"mode": "off"})
    return Check("payments", "ok", "", {"mode": settings.PAYMENTS_MODE})


def needs_you() -> list[Attention]:
    """What waits for a person: nothing yet."""
    return []
