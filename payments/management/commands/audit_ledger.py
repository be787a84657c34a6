"""`manage.py audit_ledger`: does the ledger balance, and does it agree with the payments? The verdict comes first."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from common.money import format_money
from payments.actions import auditing

FAULTY = 3
MOST_SHOWN = 20


class Command(BaseCommand):
    """Exit status: 0 in order, 3 a transaction or payment is wrong or a guard is off, 2 usage, 1 a bug."""

    help = "Check that the ledger sums to zero, is guarded, and agrees with the payments."

    def add_arguments(self, parser: CommandParser) -> None:
        """The one flag."""
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Check, say the verdict, leave with its status."""
        found = auditing.audit()
        if options["json"]:
            self.stdout.write(json.dumps(asdict(found) | {"ok": found.is_clean}))
        else:
            self._say(found)
        if not found.is_clean:
            sys.exit(FAULTY)

    def _say(self, found: auditing.Audit) -> None:
        counted = f"{found.transactions} transactions with {found.entries} entries"
        if found.is_clean:
            self.stdout.write(self.style.SUCCESS(f"The ledger is in order: {counted}."))
        elif found.faults:
            first = found.faults[0]
            text = f"The ledger is wrong: {first.kind} {first.ref} ({first.id}) {first.problem}."
            self.stdout.write(self.style.ERROR(text))
            for fault in found.faults[1:MOST_SHOWN]:
                self.stdout.write(f"  {fault.kind} {fault.ref} ({fault.id}) {fault.problem}")
            self.stdout.write(f"{len(found.faults)} faults; {counted} were checked.")
        for name in found.unguarded:
            self.stdout.write(self.style.ERROR(f"The trigger {name} is missing or switched off: run migrate."))
        for code, currency, amount in found.balances:
            self.stdout.write(f"  {code:<28} {format_money(amount, currency):>24}")
