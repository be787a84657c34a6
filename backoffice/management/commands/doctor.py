"""`manage.py doctor`: what is misconfigured or away, in plain words."""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core import checks
from django.core.cache import caches
from django.core.management.base import BaseCommand, CommandParser

from accounts.actions import keys
from backoffice.selectors import STAFF_HEALTH
from common.actor import Actor
from common.health import Check
from uploads.actions import trials
from uploads.actions.trials import Trial
from uploads.errors import StorageNotConfigured

WORDS = {"ok": "ok", "degraded": "degraded", "down": "DOWN"}


LIVE: tuple[Callable[..., list[Trial]], ...] = (trials.attempt,)
"""What `--live` tries, each with `by=`."""


class Command(BaseCommand):
    """Reads only, but for `--live`; exits 1 when something is down or a trial fails."""

    help = "Say in plain words what is misconfigured, degraded or away."

    def add_arguments(self, parser: CommandParser) -> None:
        """The one flag."""
        parser.add_argument(
            "--live", action="store_true", help="try the store of files with small objects that are deleted again"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the mode, the state of each dependency, then the advice of the checks."""
        self.stdout.write(f"{settings.DJANGO_ENV} at {settings.PUBLIC_URL}, payments {settings.PAYMENTS_MODE}")
        found = [limits_store(), keys.check(), *(check() for check in STAFF_HEALTH)]
        for check in found:
            reason = f" ({check.words})" if check.reason else ""
            self.stdout.write(f"  {check.name:<10} {WORDS[check.status]}{reason}")
        for message in checks.run_checks(include_deployment_checks=True):
            if (message.id or "").startswith(("studio.", "uploads.")):
                self.stdout.write(f"  note       {message.msg}")
        hops = settings.PROXY_HOPS
        place = f"entry {hops} from the right of X-Forwarded-For" if hops else "the peer of the connection"
        self.stdout.write(f"  client     {place} (PROXY_HOPS={hops})")
        failed = self._try() if options["live"] else False
        if failed or any(check.status == "down" for check in found):
            raise SystemExit(1)

    def _try(self) -> bool:
        """Print what each trial saw; True when one failed."""
        seen = [trial for attempt in LIVE for trial in attempted(attempt)]
        for trial in seen:
            detail = f": {trial.seen}" if trial.seen else ""
            self.stdout.write(f"  {'ok' if trial.ok else 'FAILED':<10} {trial.name}{detail}")
        return not all(trial.ok for trial in seen)


def limits_store() -> Check:
    """Whether the store of the volume limits answers."""
    try:
        caches["limits"].get("doctor")
    except Exception as fault:  # noqa: BLE001 - a backend's own exceptions
        return Check("limits", "down", type(fault).__name__)
    return Check("limits", "ok", "" if settings.REDIS_URL else "in_postgresql")


def attempted(attempt: Callable[..., list[Trial]]) -> list[Trial]:
    """Run the trials of one service; one that is not configured has none."""
    try:
        return attempt(by=Actor.operator())
    except StorageNotConfigured:
        return []
