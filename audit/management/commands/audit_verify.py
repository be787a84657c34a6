"""`manage.py audit_verify`: is the audit log as it was sealed?"""

from argparse import ArgumentParser
from datetime import time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.actions import verifying
from audit.verification import Scope
from common.actor import Actor
from common.arguments import day_or_instant


class Command(BaseCommand):
    """Exit 0: as it was sealed. Exit 1: the first bad row or seal is named on the first line."""

    help = "Verify the audit log: every seal, every row. Exit 0 when it is as it was sealed, else 1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Narrow what is looked at."""
        parser.add_argument(
            "--from",
            dest="since",
            type=day_or_instant(time.min),
            help="seals made at this UTC day or instant, or later",
        )
        parser.add_argument(
            "--to",
            dest="until",
            type=day_or_instant(time.max),
            help="seals made at this UTC day or instant, or earlier",
        )
        parser.add_argument("--sample", action="store_true", help="the newest seals and some of the older ones")
        parser.add_argument("--copy", type=Path, help="a file of audit_export whose seals must still be here")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify, record that it was done, and say what was found."""
        scope = Scope(options["since"], options["until"], sample=options["sample"], copy=options["copy"])
        try:
            report = verifying.verify(scope=scope, by=Actor.operator())
        except (OSError, ValueError, KeyError) as fault:
            raise CommandError(f"The copy cannot be read: {fault}", returncode=2) from fault
        for line in (report.summary, *map(str, report.faults[1:]), *report.notes):
            self.stdout.write(line)
        if not report.is_clean:
            raise SystemExit(1)
