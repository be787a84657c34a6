"""`manage.py createsuperuser`: points to `invite_owner`, since nobody is a superuser here."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser


class Command(BaseCommand):
    """Refuses."""

    help = "Not used here: `manage.py invite_owner EMAIL` invites the first Owner."

    def add_arguments(self, parser: CommandParser) -> None:
        """Django's own arguments, so that a habit meets the sentence and not a usage error."""
        for name in ("--email", "--username", "--database"):
            parser.add_argument(name)
        parser.add_argument("--noinput", "--no-input", action="store_true")

    def handle(self, *args: Any, **options: Any) -> None:
        """Say what to do instead."""
        raise CommandError("There are no superusers here. Run: python manage.py invite_owner EMAIL")
