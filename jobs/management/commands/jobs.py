"""`manage.py jobs list|show|requeue|cancel`."""

import argparse
import json
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.actor import Actor
from common.errors import DomainError
from jobs import selectors
from jobs.actions import cancel, requeue
from jobs.models import Job, State

LISTED = 50
ABOUT = ("id", "kind", "state", "attempts", "max_attempts", "worker", "dedupe_key")
TIMES = ("created_at", "run_at", "slot", "redispatch_at", "lease_until", "finished_at")
ORIGIN = ("request_id", "actor_kind", "actor_id", "args_version", "args", "steps")


class Command(BaseCommand):
    """Look at jobs, run dead ones again, cancel waiting ones."""

    help = "Lists and shows background jobs, runs dead ones again, cancels waiting ones."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the four verbs."""
        verbs = parser.add_subparsers(dest="verb", required=True, parser_class=argparse.ArgumentParser)
        listing = verbs.add_parser("list", help="the newest jobs")
        listing.add_argument("--state", choices=State.values, default="")
        listing.add_argument("--kind", default="")
        listing.add_argument("--limit", type=int, default=LISTED)
        for verb, text in (("show", "everything about one job"), ("requeue", "run it again"), ("cancel", "cancel it")):
            verbs.add_parser(verb, help=text).add_argument("id", type=UUID)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the verb; what changes a job is audited as the operator's act."""
        try:
            getattr(self, options["verb"])(options)
        except DomainError as refusal:
            raise CommandError(refusal.detail) from None

    def list(self, options: dict[str, Any]) -> None:
        """Print one line a job."""
        jobs = selectors.listed(state=options["state"], kind=options["kind"])[: options["limit"]]
        for job in jobs:
            tries = f"{job.attempts}/{job.max_attempts}"
            self.stdout.write(f"{job.id}  {job.state:<9}  {tries:>5}  {job.created_at:%Y-%m-%d %H:%M:%S}  {job.kind}")
        if not jobs:
            self.stdout.write("No jobs.")

    def show(self, options: dict[str, Any]) -> None:
        """Print all of one job."""
        job = selectors.job(options["id"])
        for name in (*ABOUT, *TIMES, *ORIGIN):
            value = getattr(job, name)
            self.stdout.write(f"{name:<13} {json.dumps(value) if isinstance(value, dict) else value or '-'}")
        if job.last_error:
            self.stdout.write(f"\n{job.last_error}")

    def requeue(self, options: dict[str, Any]) -> None:
        """Run a dead or cancelled job again."""
        self._say(requeue(job=selectors.job(options["id"]), by=Actor.operator()))

    def cancel(self, options: dict[str, Any]) -> None:
        """Cancel a waiting job."""
        self._say(cancel(job=selectors.job(options["id"]), by=Actor.operator()))

    def _say(self, job: Job) -> None:
        self.stdout.write(f"{job.kind} {job.id} is {job.state}.")
