"""`manage.py rotate_signing_key [--now]`: the next key for access tokens."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions import keys
from accounts.keys import ring
from common.actor import Actor


class Command(BaseCommand):
    """Publishes a key that signs once every verifier knows it."""

    help = "Publish the next signing key; with --now it signs at once and the old ones are gone (after a leak)."

    def add_arguments(self, parser: CommandParser) -> None:
        """The one option."""
        parser.add_argument("--now", action="store_true", help="sign with the new key at once")

    def handle(self, *args: Any, **options: Any) -> None:
        """Rotate the key rows; refuses where no row signs."""
        if ring.uses_hs256():
            raise CommandError("Tokens are signed with JWT_SECRET here; there is no key to rotate.")
        if ring.current().override is not None:
            raise CommandError("JWT_PRIVATE_KEY signs in place of the key rows: change the variable instead.")
        rotation = keys.rotate(at_once=options["now"], by=Actor.operator())
        self.stdout.write(f"Key {rotation.key.kid} signs from {rotation.activates_at:%Y-%m-%d %H:%M:%S %Z}.")
