"""`manage.py generate_secrets`: values to paste into the environment."""

import secrets
from typing import Any

from django.core.management.base import BaseCommand

SECRET_BYTES = 48
NAMES = ("SECRET_KEY", "FIELD_KEY", "JWT_REFRESH_SECRET", "AUDIT_SIGNING_KEY", "METRICS_TOKEN")


class Command(BaseCommand):
    """Prints; stores nothing."""

    help = "Print a block of fresh secrets in the form NAME=value."
    requires_system_checks = ()

    def handle(self, *args: Any, **options: Any) -> None:
        """One line a name, each value of its own."""
        for name in NAMES:
            self.stdout.write(f"{name}={secrets.token_urlsafe(SECRET_BYTES)}")
