"""`manage.py rotate_signing_key [--now] [--publish PEM_FILE|KMS_KEY_ID]`: the next key for access tokens."""

from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions import keys
from accounts.errors import SigningUnavailable
from accounts.keys import kms, overrides, ring
from common.actor import Actor

INSTANT = "%Y-%m-%d %H:%M:%S %Z"


class Command(BaseCommand):
    """Publishes a key that signs once every verifier knows it."""

    help = "Publish the next signing key; with --now it signs at once and the old ones are gone (after a leak)."

    def add_arguments(self, parser: CommandParser) -> None:
        """When, and for keys of the environment which."""
        parser.add_argument("--now", action="store_true", help="sign with the new key at once; the old ones are gone")
        parser.add_argument(
            "--publish",
            metavar="PEM_FILE|KMS_KEY_ID",
            default="",
            help="publish the public half of the next JWT_PRIVATE_KEY or JWT_KMS_KEY_ID",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate the key rows, or publish the key that a variable will name."""
        if options["publish"]:
            self._publish(options["publish"], at_once=options["now"])
            return
        if ring.uses_hs256():
            raise CommandError("Tokens are signed with JWT_SECRET here; there is no key to rotate.")
        if overrides.configured():
            raise CommandError("A key of the environment signs here: publish the next one by --publish.")
        rotation = keys.rotate(at_once=options["now"], by=Actor.operator())
        self.stdout.write(f"Key {rotation.key.kid} signs from {rotation.activates_at:{INSTANT}}.")

    def _publish(self, source: str, *, at_once: bool) -> None:
        path = Path(source)
        name = "JWT_PRIVATE_KEY" if path.is_file() else "JWT_KMS_KEY_ID"
        try:
            signer = overrides.from_pem(path.read_text()) if path.is_file() else kms.signer(source)
        except (SigningUnavailable, UnicodeDecodeError) as fault:
            raise CommandError(
                f"{source} is neither a PEM file with an RSA key nor a KMS key that can sign."
            ) from fault
        rotation = keys.publish(signer=signer, at_once=at_once, by=Actor.operator())
        self.stdout.write(f"Key {rotation.key.kid} is published.")
        if at_once:
            self.stdout.write(f"The other keys are gone. Change {name} now: nobody can sign in before that.")
        else:
            self.stdout.write(f"{name} may change from {rotation.activates_at:{INSTANT}} on; then run `release`.")
