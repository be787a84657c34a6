"""The run: structure, seals, their rows, rows without a seal, triggers, and the copy outside."""

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta

from django.conf import settings
from django.db import connection

from audit import keys
from audit.constants import GUARDED_TABLES, SAMPLE_NEWEST_SEALS, SAMPLE_OLDER_SEALS, SEALING_LATE_MINUTES, SEALS_AT_ONCE
from audit.models import AuditSeal
from audit.verification import copies, rows, seals, sql
from audit.verification.report import Fault, Report, Scope
from common.clock import db_now

ALWAYS = {f"{table}_refuse_change" for table in GUARDED_TABLES} | {"audit_event_stamp"}
ON_TRUNCATE = {f"{table}_refuse_truncate" for table in GUARDED_TABLES}


def run(scope: Scope) -> Report:
    """Verify what the scope says; the first faults stand in the order of the log."""
    report, last = Report(), seals.highest()
    report.add(seals.structure())
    public = keys.public_keys()
    for numbers in _chunks(_numbers(scope, last)):
        if report.is_full:
            return report
        _verify(numbers, report, public)
    count, oldest, faults = rows.unsealed(scope, last=last)
    report.unsealed = count
    report.add(faults)
    report.add(_triggers())
    if scope.copy is not None:
        report.add(copies.compare(scope.copy))
    if oldest is not None and db_now() - oldest > timedelta(minutes=SEALING_LATE_MINUTES):
        report.notes.append(f"Rows since {oldest:%Y-%m-%d %H:%M} UTC are not sealed: do jobs run?")
    return report


def _numbers(scope: Scope, last: int) -> Sequence[int]:
    """The numbers of the seals to look at."""
    if scope.is_whole:
        return range(1, last + 1)
    if scope.sample:
        older = range(1, max(last - SAMPLE_NEWEST_SEALS, 0) + 1)
        some = random.sample(older, min(SAMPLE_OLDER_SEALS, len(older)))
        return sorted({*some, *range(len(older) + 1, last + 1)})
    found = AuditSeal.objects.filter(n__lte=last)
    if scope.since:
        found = found.filter(at__gte=scope.since)
    if scope.until:
        found = found.filter(at__lte=scope.until)
    return list(found.order_by("n").values_list("n", flat=True))


def _verify(numbers: Sequence[int], report: Report, public: dict[str, bytes]) -> None:
    known = {seal.n: seal for seal in AuditSeal.objects.filter(n__in={*numbers, *(n - 1 for n in numbers)})}
    found = [known[n] for n in numbers if n in known]
    broken = list(seals.chain(found, known, public))
    report.add(broken)
    report.seals += len(found)
    report.rows += sum(seal.count for seal in found)
    report.add(rows.sealed(found))


def _triggers() -> Iterator[Fault]:
    """Name each trigger that should refuse changes and does not stand, or is switched off."""
    with connection.cursor() as cursor:
        cursor.execute(sql.TRIGGERS, [list(GUARDED_TABLES)])
        standing = {name for (name,) in cursor.fetchall()}
    wanted = ALWAYS if settings.TESTING else ALWAYS | ON_TRUNCATE  # tests empty tables with TRUNCATE
    for name in sorted(wanted - standing):
        yield Fault(f"trigger {name}", "it is gone or switched off, so changes are not refused.")


def _chunks(numbers: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(numbers), SEALS_AT_ONCE):
        yield numbers[start : start + SEALS_AT_ONCE]
