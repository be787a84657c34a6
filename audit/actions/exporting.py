"""Taking rows out of the log: each export is an event of its own."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from audit import exports
from audit.actions.recording import record
from audit.constants import EXPORT_ROWS_AT_ONCE
from audit.events import EXPORTED
from audit.exports import CSV
from audit.models import AuditEvent
from common.actor import Actor


def rows(*, events: QuerySet[AuditEvent], form: str, query: dict[str, Any], by: Actor) -> Iterator[str]:
    """Record the export, then return the lines of these rows as CSV or JSONL, oldest first.

    `query` says in the event what was asked for. The rows are read in parts while the lines are taken.
    """
    highest = _note(form, query, by)
    found = _in_parts(events.filter(pk__lte=highest))
    return exports.csv_lines(found) if form == CSV else exports.jsonl(found)


def everything(*, since: datetime | None, until: datetime | None, by: Actor) -> Iterator[str]:
    """Record the export, then return rows of [since, until], all seals and all public keys, one JSON object a line."""
    events = AuditEvent.objects.all()
    if since:
        events = events.filter(at__gte=since)
    if until:
        events = events.filter(at__lte=until)
    query = {"from": since.isoformat() if since else "", "to": until.isoformat() if until else "", "seals": "all"}
    highest = _note("jsonl", query, by)
    return _chained(events.filter(pk__lte=highest))


def _chained(events: QuerySet[AuditEvent]) -> Iterator[str]:
    yield from exports.jsonl(_in_parts(events))
    yield from exports.proofs()


def _note(form: str, query: dict[str, Any], by: Actor) -> int:
    """Record the export; returns the id of its own event, behind which nothing is exported."""
    with transaction.atomic():
        return record(action=EXPORTED, by=by, meta={"form": form, "query": query}).pk


def _in_parts(events: QuerySet[AuditEvent]) -> Iterator[AuditEvent]:
    """Rows in the order of their ids; PgBouncer keeps no cursor, so each part is a query of its own."""
    last = 0
    while part := list(events.filter(pk__gt=last).order_by("pk")[:EXPORT_ROWS_AT_ONCE]):
        yield from part
        last = part[-1].pk
