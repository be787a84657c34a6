"""`manage.py invite_owner EMAIL`: the way in for the first Owner."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.actions import invites
from common.actor import Actor
from common.errors import DomainError


class Command(BaseCommand):
    """Prints the link once; nothing is mailed, so it works before mail does."""

    help = "Invite an Owner and print the one-time link."

    def add_arguments(self, parser: CommandParser) -> None:
        """The address."""
        parser.add_argument("email")

    def handle(self, *args: Any, **options: Any) -> None:
        """Invite, or give a pending invitation a new link."""
        try:
            link = invites.invite_owner(email=options["email"], by=Actor.operator())
        except DomainError as refusal:
            raise CommandError(refusal.in_one_line) from refusal
        self.stdout.write(f"Open this link within 72 hours; it works once:\n{link}")
