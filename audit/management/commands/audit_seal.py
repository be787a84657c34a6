"""`manage.py audit_seal`: seal the audit log now."""

from typing import Any

from django.core.management.base import BaseCommand

from audit.actions import sealing
from common.actor import Actor


class Command(BaseCommand):
    """What the job does every five minutes."""

    help = "Seal the audit log now. Prints the seal, or that there is nothing to seal."

    def handle(self, *args: Any, **options: Any) -> None:
        """Seal and say what."""
        seal = sealing.seal(by=Actor.operator())
        if seal is None:
            self.stdout.write("Nothing to seal.")
            return
        self.stdout.write(f"Seal {seal.n}: {seal.count} rows, hash {seal.seal_hash.hex()}, key {seal.key_id}.")
