"""`manage.py run_relay`."""

from typing import Any

from celery.app.utils import find_app
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from jobs.engine.relay import Relay

CELERY_APP = "config"  # as in `celery -A config`


class Command(BaseCommand):
    """Send due jobs to Celery's workers."""

    help = "Sends the ids of due jobs to Celery until it is told to stop; needs CELERY_BROKER_URL or REDIS_URL."

    def handle(self, *args: Any, **options: Any) -> None:
        """Relay until SIGTERM or SIGINT."""
        if not settings.CELERY_BROKER_URL:
            raise CommandError("CELERY_BROKER_URL and REDIS_URL are empty: without a broker, use run_jobs instead.")
        find_app(CELERY_APP)
        relay = Relay()
        relay.stop.on_signals()
        self.stderr.write("Relaying jobs. Ctrl-C stops.")
        relay.run()
