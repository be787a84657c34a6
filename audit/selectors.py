"""Reads of the audit log."""

from django.db.models import QuerySet

from audit.models import AuditEvent
from common.target import Target


def events_for(target: Target) -> QuerySet[AuditEvent]:
    """Return what happened to `target`, newest first."""
    return AuditEvent.objects.filter(target_type=target.type, target_id=target.id).order_by("-at", "-id")


def newest(*, limit: int) -> QuerySet[AuditEvent]:
    """Return the last events, newest first."""
    return AuditEvent.objects.order_by("-at", "-id")[:limit]
