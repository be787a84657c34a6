"""`manage.py audit_verify`: is the audit log as it was sealed?"""

from argparse import ArgumentParser
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.actions import verifying
from audit.verification import Scope
from common.actor import Actor


class Command(BaseCommand):
    """Exit 0: as it was sealed. Exit 1: the first bad row or seal is named on the first line."""

    help = "Verify the audit log: every seal, every row. Exit 0 when it is as it was sealed, else 1."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Narrow what is looked at."""
        parser.add_argument("--from", dest="since", help="seals made at this UTC day or instant, or later")
        parser.add_argument("--to", dest="until", help="seals made at this UTC day or instant, or earlier")
        parser.add_argument("--sample", action="store_true", help="the newest seals and some of the older ones")
        parser.add_argument("--copy", type=Path, help="a file of audit_export whose seals must still be here")

    def handle(self, *args: Any, **options: Any) -> None:
        """Verify, record that it was done, and say what was found."""
        since, until = _instant(options["since"], time.min), _instant(options["until"], time.max)
        scope = Scope(since, until, sample=options["sample"], copy=options["copy"])
        try:
            report = verifying.verify(scope=scope, by=Actor.operator())
        except (OSError, ValueError, KeyError) as fault:
            raise CommandError(f"The copy cannot be read: {fault}", returncode=2) from fault
        for line in (report.summary, *map(str, report.faults[1:]), *report.notes):
            self.stdout.write(line)
        if not report.is_clean:
            raise SystemExit(1)


def _instant(text: str | None, edge: time) -> datetime | None:
    """The instant, in UTC unless it names a zone; `edge` completes a bare day."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as fault:
        raise CommandError(f"{text!r} is neither a day nor an instant: write 2026-11-22.", returncode=2) from fault
    if len(text) == len("2026-11-22"):
        found = datetime.combine(found.date(), edge)
    return found if found.tzinfo else found.replace(tzinfo=UTC)
