"""`manage.py audit_export`: a copy of the audit log that the database's owner cannot rewrite."""

from argparse import ArgumentParser
from collections.abc import Iterable
from datetime import datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.actions import exporting
from common.actor import Actor
from common.arguments import day_or_instant
from common.clock import db_now
from common.errors import DomainError
from uploads.actions.exports import store_export

CONTENT_TYPE = "application/x-ndjson"


class Command(BaseCommand):
    """Writes rows, seals and public keys as JSON lines into the private store, or into a file."""

    help = "Copy the audit log with its seals and public keys out of the database, as JSON lines."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Which rows, and where to."""
        parser.add_argument(
            "--from",
            dest="since",
            type=day_or_instant(time.min),
            help="rows of this UTC day or instant or later; seals are always all there",
        )
        parser.add_argument(
            "--to", dest="until", type=day_or_instant(time.max), help="rows of this UTC day or instant or earlier"
        )
        parser.add_argument("--file", type=Path, help="write here instead of into the private store; must not exist")

    def handle(self, *args: Any, **options: Any) -> None:
        """Record the export, write it, and say where it lies."""
        since, until = options["since"], options["until"]
        if options["file"] is not None:
            place, count = str(options["file"]), self._write(options["file"], since, until)
        else:
            place, count = self._store(since, until)
        self.stdout.write(f"{count} lines: {place}")

    def _store(self, since: datetime | None, until: datetime | None) -> tuple[str, int]:
        with TemporaryDirectory(prefix="audit-") as folder:
            path = Path(folder) / "audit.jsonl"
            count = self._write(path, since, until)
            name = f"audit-{db_now():%Y%m%d-%H%M%S-%f}.jsonl"
            try:
                key = store_export(path=path, name=name, content_type=CONTENT_TYPE, by=Actor.operator())
            except DomainError as refusal:
                raise CommandError(f"{refusal.detail} Name a file with --file.") from refusal
        return f"{key} in the private store", count

    def _write(self, path: Path, since: datetime | None, until: datetime | None) -> int:
        try:
            with path.open("x", encoding="utf-8") as target:
                lines = exporting.everything(since=since, until=until, by=Actor.operator())
                return sum(1 for _ in _written(target, lines))
        except OSError as fault:
            raise CommandError(f"{path} cannot be written: {fault.strerror}.") from fault


def _written(target: Any, lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        target.write(line)
        yield line
