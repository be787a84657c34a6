"""`manage.py doctor`: what is misconfigured or away, in plain words."""

from typing import Any

from django.conf import settings
from django.core import checks
from django.core.cache import caches
from django.core.management.base import BaseCommand

from accounts.actions import keys
from backoffice.selectors import STAFF_HEALTH
from common.health import Check

WORDS = {"ok": "ok", "degraded": "degraded", "down": "DOWN"}


class Command(BaseCommand):
    """Reads only; exits 1 when something is down."""

    help = "Say in plain words what is misconfigured, degraded or away."

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the mode, the state of each dependency, then the advice of the checks."""
        self.stdout.write(f"{settings.DJANGO_ENV} at {settings.PUBLIC_URL}, payments {settings.PAYMENTS_MODE}")
        found = [limits_store(), keys.check(), *(check() for check in STAFF_HEALTH)]
        for check in found:
            reason = f" ({check.words})" if check.reason else ""
            self.stdout.write(f"  {check.name:<10} {WORDS[check.status]}{reason}")
        for message in checks.run_checks(include_deployment_checks=True):
            if (message.id or "").startswith("studio."):
                self.stdout.write(f"  note       {message.msg}")
        hops = settings.PROXY_HOPS
        place = f"entry {hops} from the right of X-Forwarded-For" if hops else "the peer of the connection"
        self.stdout.write(f"  client     {place} (PROXY_HOPS={hops})")
        if any(check.status == "down" for check in found):
            raise SystemExit(1)


def limits_store() -> Check:
    """Whether the store of the volume limits answers."""
    try:
        caches["limits"].get("doctor")
    except Exception as fault:  # noqa: BLE001 - a backend's own exceptions
        return Check("limits", "down", type(fault).__name__)
    return Check("limits", "ok", "" if settings.REDIS_URL else "in_postgresql")
