"""Reads of the audit log."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q, QuerySet

from audit.constants import GUARDED_TABLES, SILENT_SEAL_HOURS
from audit.events import FAULT_FOUND, READ, VERIFIED
from audit.models import AuditEvent, AuditSeal
from common.clock import db_now
from common.health import Check
from common.instants import instant
from common.target import Target

LATE = timedelta(hours=SILENT_SEAL_HOURS + 1)
VERIFIED_WITHIN = timedelta(hours=2 * SILENT_SEAL_HOURS)
RIGHTS = """
SELECT bool_or(pg_has_role(current_user, relowner, 'USAGE')
    OR has_table_privilege(oid, 'UPDATE') OR has_table_privilege(oid, 'DELETE') OR has_table_privilege(oid, 'TRUNCATE'))
FROM pg_class WHERE oid = ANY(%s::regclass[])
"""


def events_for(target: Target) -> QuerySet[AuditEvent]:
    """Return what happened to `target`, newest first."""
    return AuditEvent.objects.filter(target_type=target.type, target_id=target.id).order_by("-at", "-id")


def events_about(targets: Iterable[Target]) -> QuerySet[AuditEvent]:
    """Return what happened to any of the `targets`, newest first."""
    wanted = Q(pk__in=[])
    for target in targets:
        wanted |= Q(target_type=target.type, target_id=target.id)
    return AuditEvent.objects.filter(wanted).order_by("-at", "-id")


def newest(*, limit: int) -> QuerySet[AuditEvent]:
    """Return the last events, newest first, without those that only say that somebody read the log."""
    return AuditEvent.objects.exclude(action=READ).order_by("-at", "-id")[:limit]


def seal_of(event: AuditEvent) -> AuditSeal | None:
    """The seal that holds the row, or None while it waits for one."""
    return AuditSeal.objects.filter(last_id__gte=event.pk).extra(
        where=["%s::bigint <@ ANY(ranges)"], params=[event.pk]
    ).order_by("n").first()  # fmt: skip


def is_out_of_reach() -> bool:
    """Whether the database role that this process uses can neither change the log nor take its guards down."""
    with connection.cursor() as cursor:
        cursor.execute(RIGHTS, [list(GUARDED_TABLES)])
        return not cursor.fetchone()[0]


def health() -> Check:
    """Whether the log is sealed and was verified of late."""
    now = db_now()
    last = AuditEvent.objects.filter(action__in=[VERIFIED, FAULT_FOUND]).order_by("-at").first()
    details = {"verified_at": instant(last.at if last else None)}
    if last is not None and last.action == FAULT_FOUND:
        return Check("audit", "degraded", "audit_was_changed", details)
    oldest = AuditEvent.objects.order_by("at").values_list("at", flat=True).first()
    if oldest is None or now - oldest < LATE:
        return Check("audit", "ok", "", details)
    sealed_at = AuditSeal.objects.order_by("-n").values_list("at", flat=True).first()
    if _is_older(sealed_at, LATE, now):
        return Check("audit", "degraded", "not_sealed", details)
    if _is_older(last.at if last else None, VERIFIED_WITHIN, now) and now - oldest > VERIFIED_WITHIN:
        return Check("audit", "degraded", "not_verified", details)
    return Check("audit", "ok", "", details)


def _is_older(at: datetime | None, age: timedelta, now: datetime) -> bool:
    return at is None or now - at > age
