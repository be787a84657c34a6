"""`manage.py seed_demo`: the demo site."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from common import seeds
from common.actor import Actor


class Command(BaseCommand):
    """Runs the demo seeds of every app in their order; what is there already stays as it is."""

    help = "Fill the site with a believable demo studio. Harmless when repeated; refused in production."

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Plant every registered seed as the operator."""
        if settings.PRODUCTION:
            raise CommandError("The demo site is not for production: seed_demo does nothing there.")
        for seed in seeds.registered():
            seed(by=Actor.operator())
            self.stdout.write(f"Planted: {seed.name}")
