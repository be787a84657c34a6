"""`manage.py reconcile_storage`: do the rows of files agree with the objects in the store? The verdict comes first."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from common.actor import Actor
from uploads.actions import storekeeping
from uploads.constants import Verdict
from uploads.reports import EXIT_INCOMPLETE, Report
from uploads.storage import is_configured

SENTENCES = {
    Verdict.IN_SYNC: "In sync: nothing to do.",
    Verdict.REPAIRED: "Repaired: {repaired} put right; nothing is left to do.",
    Verdict.DRIFT: "Drift: {open} left, {repaired} put right.",
    Verdict.INCOMPLETE: "Incomplete: the store did not answer everything; run it again.",
}
DRY_SENTENCE = "Drift: {open}; nothing was changed (--dry-run)."


class Command(BaseCommand):
    """Exit status: 0 in sync or all repaired, 3 something is left, 4 incomplete, 2 usage."""

    help = "Compare the rows of files with the objects in the store and put right what can be."

    def add_arguments(self, parser: CommandParser) -> None:
        """The flags."""
        parser.add_argument("--dry-run", action="store_true", help="write and delete nothing at all")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run every sweep to its end, say the verdict, leave with its status."""
        if not is_configured():
            self.stderr.write("No store is configured: set S3_BUCKET_NAME, or STORAGE=local.")
            sys.exit(EXIT_INCOMPLETE)
        report = storekeeping.reconcile(by=Actor.operator(), dry_run=options["dry_run"], progress=self._progress)
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict()))
        else:
            self._say(report, options["verbosity"])
        if report.exit_code:
            sys.exit(report.exit_code)

    def _progress(self, sweep: str, scanned: int) -> None:
        """One line that overwrites itself, for whoever watches."""
        if sys.stderr.isatty():
            self.stderr.write(f"\r{sweep}: {scanned}\x1b[K", ending="")

    def _say(self, report: Report, verbosity: int) -> None:
        """The verdict; from `-v 1` on what was looked at and found."""
        if sys.stderr.isatty():
            self.stderr.write("\r\x1b[K", ending="")
        dry = report.dry_run and report.verdict is Verdict.DRIFT
        sentence = DRY_SENTENCE if dry else SENTENCES[report.verdict]
        style = self.style.ERROR if report.exit_code else self.style.SUCCESS
        self.stdout.write(
            style(sentence.format(repaired=_count(report.repaired), open=_count(len(report.open_findings))))
        )
        if not verbosity:
            return
        looked = ", ".join(f"{name} {count}" for name, count in report.scanned.items())
        self.stdout.write(f"Looked at: {looked}.")
        for finding in report.findings:
            self.stdout.write(f"  {finding.kind.label}: {finding.ref}: {finding.action}")
        for error in report.errors:
            self.stdout.write(f"  error {error}")


def _count(number: int) -> str:
    return f"{number} finding{'' if number == 1 else 's'}"
