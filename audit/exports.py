"""Rows as lines: JSON for machines and proofs, CSV for people and their spreadsheets."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any

from audit.models import AuditEvent, AuditSeal, AuditSigningKey
from common.instants import exact

COLUMNS = (
    *("id", "at", "action", "outcome", "actor_kind", "actor_id", "actor_label", "on_behalf_of"),
    *("target_type", "target_id", "target_label", "before", "after", "meta", "reason"),
    *("ip", "user_agent", "session_id", "request_id", "job_id", "schema_version", "xid", "row_hash"),
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - full-width ones count too
CSV, JSONL = "csv", "jsonl"
TYPES = {CSV: "text/csv; charset=utf-8", JSONL: "application/x-ndjson"}


def row_members(event: AuditEvent) -> dict[str, Any]:
    """All columns of a row as JSON."""
    values = {name: getattr(event, name) for name in COLUMNS}
    return values | {"at": exact(event.at), "row_hash": bytes(event.row_hash).hex()}


def jsonl(events: Iterable[AuditEvent]) -> Iterator[str]:
    """One object a line."""
    for event in events:
        yield _line({"type": "row", **row_members(event)})


def csv_lines(events: Iterable[AuditEvent]) -> Iterator[str]:
    """A line of names, then one a row (RFC 4180); no cell is a formula (OWASP, CSV injection)."""
    yield _cells(COLUMNS)
    for event in events:
        yield _cells(map(safe_cell, row_members(event).values()))


def proofs() -> Iterator[str]:
    """Public keys, then seals, each with what its signature covers: enough to check them without this database."""
    for key in AuditSigningKey.objects.order_by("created_at", "key_id"):
        yield _line({"type": "key", "key_id": key.key_id, "algorithm": "Ed25519", "public_key": _hex(key.public_key)})
    for seal in AuditSeal.objects.order_by("n").iterator():
        found = {"statement": seal.statement.decode(), "seal_hash": seal.seal_hash.hex()}
        yield _line({"type": "seal", "n": seal.n, **found, "signature": _hex(seal.signature)})


def safe_cell(value: Any) -> str:
    """The text of a cell; one that a spreadsheet would run as a formula is led by an apostrophe."""
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if isinstance(value, int) and not isinstance(value, bool):
        return text
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text


def _line(members: dict[str, Any]) -> str:
    return json.dumps(members, ensure_ascii=False, separators=(",", ":")) + "\n"


def _cells(values: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow(values)
    return line.getvalue()


def _hex(value: Any) -> str:
    return bytes(value).hex()
