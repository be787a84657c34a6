"""`manage.py reconcile_stripe`: does what we know agree with Stripe? The verdict comes first."""

import argparse
import json
import sys
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common import arguments
from common.actor import Actor
from common.clock import db_now
from common.errors import NotFound
from common.instants import instant
from payments.actions import reconciling
from payments.constants import UNTIL_LAG_SECONDS, Verdict
from payments.management.bar import Bar
from payments.providers.errors import NotConfigured
from payments.reports import DEFAULT_BATCH, DEFAULT_MAX_ERRORS, EXIT_BUSY, EXIT_INCOMPLETE, Options, Report, quiet

USAGE = 2
MOST_HOURS = 720
DEFAULT_HOURS = 24
MOST_LOCK_SECONDS = 86_400
SENTENCES = {
    Verdict.IN_SYNC: "In sync: nothing to do.",
    Verdict.REPAIRED: "Repaired: {repaired} put right; nothing is left to do.",
    Verdict.DRIFT: "Drift: {open} for a person to look at.",
    Verdict.INCOMPLETE: "Incomplete: not everything could be compared; run it again.",
}
DRY_SENTENCE = "Drift: {open}; nothing was changed (--dry-run)."


class Command(BaseCommand):
    """Exit status: 0 in sync or all repaired, 3 drift is left, 4 incomplete, 5 another run is under way, 2 usage."""

    help = "Compare our payments with Stripe's and repair ours."

    def add_arguments(self, parser: CommandParser) -> None:
        """The flags."""
        parser.add_argument("--hours", type=_between(1, MOST_HOURS), help=f"how far back (default {DEFAULT_HOURS})")
        parser.add_argument("--since", type=arguments.instant, help="from this instant (ISO 8601 with a zone)")
        parser.add_argument(
            "--until", type=arguments.instant, help="up to this instant (default: a minute ago), at most now"
        )
        parser.add_argument("--dry-run", action="store_true", help="write nothing at all")
        parser.add_argument("--json", action="store_true", help="one JSON object on stdout")
        parser.add_argument("--payment", default="", help="only this payment: our id, or pi_…")
        parser.add_argument("--batch", type=_between(1, 10_000), default=DEFAULT_BATCH, help="rows compared at a time")
        parser.add_argument(
            "--max-errors", type=_between(0, 10_000), default=DEFAULT_MAX_ERRORS, help="give up after so many"
        )
        parser.add_argument("--lock-timeout", type=_seconds, default=0, help="seconds to wait for another run")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run it, say the verdict, leave with its status."""
        bar = Bar() if sys.stderr.isatty() else None
        try:
            report = reconciling.run(options=_options(options), by=Actor.operator(), progress=bar or quiet)
        except reconciling.Busy:
            self.stderr.write("Another reconciliation is under way.")
            sys.exit(EXIT_BUSY)
        except NotConfigured:
            self.stderr.write("Stripe is not configured: set STRIPE_SECRET.")
            sys.exit(EXIT_INCOMPLETE)
        except NotFound as error:
            raise CommandError("There is no such payment.", returncode=USAGE) from error
        finally:
            if bar:
                bar.end()
        if options["json"]:
            self.stdout.write(json.dumps(report.as_dict()))
        else:
            self._say(report, options["verbosity"])
        if report.exit_code:
            sys.exit(report.exit_code)

    def _say(self, report: Report, verbosity: int) -> None:
        """The verdict; from `-v 1` on what was compared and found; from `-v 2` on each list by itself."""
        dry = report.dry_run and report.verdict == Verdict.DRIFT
        sentence = DRY_SENTENCE if dry else SENTENCES[report.verdict]
        style = self.style.SUCCESS if not report.exit_code else self.style.ERROR
        self.stdout.write(style(sentence.format(repaired=_count(report.repaired), open=_count(len(report.open_drift)))))
        if not verbosity:
            return
        scanned = report.scanned
        follow = scanned["refunds"] + scanned["disputes"]
        lines = scanned["balance_transactions"] + scanned["payouts"]
        self.stdout.write(
            f"{instant(report.since)} to {instant(report.until)}: at Stripe {scanned['payment_intents']} payments, "
            f"{follow} refunds and disputes, {lines} lines of the balance and payouts, {scanned['events']} missed "
            f"events; {scanned['local']} open here."
        )
        self.stdout.write(
            f"{report.in_sync} in sync, {report.repaired} repaired, {report.foreign} not ours; {report.duration_s} s."
        )
        if report.vanished:
            self.stdout.write(f"{_count(len(report.vanished))} that earlier runs had left open: gone now, and closed.")
        if verbosity > 1:
            self.stdout.write("".join(f"  {what}: {count}\n" for what, count in scanned.items()), ending="")
        for one in report.drift:
            here, there = _words(one.local), _words(one.remote)
            self.stdout.write(f"  {one.kind} {one.ref}: here {here}, at Stripe {there}: {one.action}")
        for error in report.errors:
            self.stdout.write(f"  error {error}")


def _count(number: int) -> str:
    return f"{number} difference{'' if number == 1 else 's'}"


def _words(values: dict[str, Any]) -> str:
    return " ".join(str(value) for value in values.values()) or "nothing"


def _between(least: int, most: int) -> Any:
    def read(raw: str) -> int:
        if not raw.isascii() or not raw.isdigit() or not least <= int(raw) <= most:
            raise argparse.ArgumentTypeError(f"a whole number from {least} to {most} is wanted")
        return int(raw)

    return read


def _seconds(raw: str) -> float:
    try:
        found = float(raw)
    except ValueError:
        found = -1
    if not 0 <= found <= MOST_LOCK_SECONDS:  # NaN is not in between either
        raise argparse.ArgumentTypeError(f"seconds from 0 to {MOST_LOCK_SECONDS} are wanted")
    return found


def _options(given: dict[str, Any]) -> Options:
    since, until = given["since"], given["until"]
    if given["hours"] and since:
        raise CommandError("Give --hours or --since, not both.", returncode=USAGE)
    if since and until and since > until:  # before the database is asked for the time
        raise CommandError("--since is after --until.", returncode=USAGE)
    now = db_now()
    until = until or now - timedelta(seconds=UNTIL_LAG_SECONDS)
    since = since or until - timedelta(hours=given["hours"] or DEFAULT_HOURS)
    if since >= now:
        raise CommandError("The window lies in the future: nothing has happened in it yet.", returncode=USAGE)
    if since > until:
        raise CommandError("--since is after --until.", returncode=USAGE)
    return Options(
        since=since,
        until=min(until, now),
        dry_run=given["dry_run"],
        payment=given["payment"],
        batch=given["batch"],
        max_errors=given["max_errors"],
        lock_timeout=given["lock_timeout"],
    )
