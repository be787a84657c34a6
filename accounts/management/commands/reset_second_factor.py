"""`manage.py reset_second_factor EMAIL --reason TEXT`: for whoever lost app and backup codes, also the last Owner."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts import addresses, selectors
from accounts.actions import factor_resets
from common.actor import Actor
from common.errors import DomainError


class Command(BaseCommand):
    """Removes factor, codes and sessions; the user may enrol again for 72 hours, by password."""

    help = "Reset a colleague's second factor and end their sessions."

    def add_arguments(self, parser: CommandParser) -> None:
        """Whose, and why: the reason goes into the audit log."""
        parser.add_argument("email")
        parser.add_argument("--reason", required=True)

    def handle(self, *args: Any, **options: Any) -> None:
        """Do what the button of the admin does, as the operator."""
        try:
            user = selectors.user_by_email(addresses.canonical(options["email"]))
            if user is None:
                raise CommandError("No account has this address.")
            factor_resets.reset(user=user, reason=options["reason"], by=Actor.operator())
        except DomainError as refusal:
            raise CommandError(refusal.in_one_line) from refusal
        self.stdout.write(f"{user.email} may sign in by password and enrol a new factor for 72 hours.")
