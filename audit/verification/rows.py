"""Rows against their seals: none changed, none gone, none put in."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

from audit.constants import MARK_BYTES
from audit.models import AuditEvent, AuditSeal
from audit.verification import sql
from audit.verification.report import Fault, Scope


def sealed(found: Sequence[AuditSeal]) -> Iterator[Fault]:
    """Compare the rows of these seals with what was sealed."""
    with connection.cursor() as cursor:
        cursor.execute(sql.SEALED, [[seal.n for seal in found]])
        states = {row[0]: row[1:] for row in cursor.fetchall()}
    for seal in found:
        count, digest, *broken = states[seal.n]
        faults = list(_broken(broken, before=seal.n - 1))
        if not faults and (count, bytes(digest)) != (seal.count, bytes(seal.digest)):
            faults = [_difference(seal)]
        yield from faults


def unsealed(scope: Scope, *, last: int) -> tuple[int, datetime | None, list[Fault]]:
    """How many rows no seal up to `last` holds, since when, and what is wrong with them."""
    with connection.cursor() as cursor:
        cursor.execute(sql.UNSEALED, {"last": last, "since": scope.since, "until": scope.until})
        count, oldest, *broken = cursor.fetchone()
    return count, oldest, list(_broken(broken, before=last))


def _broken(ids: Sequence[Any], *, before: int) -> Iterator[Fault]:
    named = {one: rule for one, rule in zip(reversed(ids), reversed(sql.BROKEN_RULES), strict=True) if one is not None}
    for one in sorted(named):
        yield Fault(f"row {one}", named[one].format(before=before))


def _difference(seal: AuditSeal) -> Fault:
    """Find the first row that is not what it was, by the marks of the seal."""
    expected = [one for part in seal.ranges for one in range(part.lower, part.upper)]
    hashes = AuditEvent.objects.filter(id__gte=min(expected, default=0), id__lte=max(expected, default=0))
    present = {pk: bytes(digest) for pk, digest in hashes.values_list("pk", "row_hash")}
    marks = bytes(seal.marks)
    for place, one in enumerate(expected):
        if one not in present:
            return Fault(f"row {one}", f"it was deleted: seal {seal.n} holds it.")
        if present[one][:MARK_BYTES] != marks[place * MARK_BYTES : (place + 1) * MARK_BYTES]:
            return Fault(f"row {one}", f"it was changed and hashed anew: seal {seal.n} holds another hash.")
    return Fault(f"seal {seal.n}", "its rows do not add up to its digest.")
