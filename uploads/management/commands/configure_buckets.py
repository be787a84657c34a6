"""`manage.py configure_buckets`: CORS and lifecycle of both buckets."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.actor import Actor
from uploads.actions import buckets
from uploads.actions.buckets import Configured, Outcome
from uploads.errors import StorageNotConfigured, StorageUnavailable

TO_DO = {Outcome.DIFFERENT, Outcome.NOT_ALLOWED}


class Command(BaseCommand):
    """Repeating it is harmless. It exits with 1 when something is left to do, and prints the JSON to do it by hand."""

    help = "Set CORS and lifecycle of the private and the public bucket, or print the JSON to paste."

    def add_arguments(self, parser: CommandParser) -> None:
        """The one flag."""
        parser.add_argument("--dry-run", action="store_true", help="compare and print, change nothing")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say what to do next."""
        try:
            done = buckets.configure(by=Actor.operator(), dry_run=options["dry_run"])
        except StorageNotConfigured as error:
            raise CommandError("No bucket is configured: set S3_BUCKET_NAME and S3_PUBLIC_BUCKET_NAME.") from error
        except StorageUnavailable as error:
            raise CommandError("The store does not answer, or there is no such bucket. Nothing was changed.") from error
        if not done:
            self.stdout.write("STORAGE=local has no buckets, so there is nothing to configure.")
        for one in done:
            self._say(one)
        if any(TO_DO & {one.cors, one.lifecycle} for one in done):
            raise SystemExit(1)

    def _say(self, one: Configured) -> None:
        self.stdout.write(f"{one.bucket.value} bucket {one.name}")
        self.stdout.write(f"  CORS       {one.cors}")
        self._paste(one.cors, one.rules.cors)
        self.stdout.write(f"  lifecycle  {one.lifecycle}")
        self._paste(one.lifecycle, {"Rules": one.rules.lifecycle})

    def _paste(self, outcome: Outcome, document: Any) -> None:
        if outcome in TO_DO:
            self.stdout.write(json.dumps(document, indent=2))
