"""Differences from the provider that wait for a person, until somebody has decided or they are gone."""

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.errors import FieldError, NotFound, ValidationFailed
from common.target import Target
from payments.constants import NOTE_LENGTH, RECONCILER
from payments.models import Drift

GONE = "It was gone when it was compared again."


def resolve_drift(*, drift_id: uuid.UUID, note: str, by: Actor) -> Drift:
    """Staff say what became of a difference. One that is resolved already is returned as it is.

    Should a later run find the same difference again, it becomes a new row. Raises NotFound, and ValidationFailed for
    an empty or too long note.
    """
    said = note.strip()
    if not said or len(said) > NOTE_LENGTH:
        problem = f"Say in 1 to {NOTE_LENGTH} characters what became of it."
        raise ValidationFailed(errors=[FieldError(pointer="#/note", code="invalid", detail=problem)])
    with transaction.atomic():
        drift = Drift.objects.select_for_update(of=("self",), no_key=True).filter(pk=drift_id).first()
        if drift is None:
            raise NotFound
        if drift.resolved_at is not None:
            return drift
        drift.resolved_at, drift.note = db_now(), said
        drift.resolved_by = by.ref
        drift.save(update_fields=["resolved_at", "note", "resolved_by"])
        record(
            action="drift.resolved",
            by=by,
            target=Target.of(drift),
            after={"kind": drift.kind, "provider_ref": drift.provider_ref},
            reason=said,
        )
    return drift


def close_vanished(*, drift_ids: Sequence[uuid.UUID], by: Actor, now: datetime) -> None:
    """Resolve open differences that a reconciliation found to be gone, each with its reason. Needs a transaction.

    Should one come back, it becomes a new row.
    """
    open_rows = Drift.objects.filter(pk__in=drift_ids, resolved_at__isnull=True).order_by("created_at", "id")
    for drift in open_rows.select_for_update(of=("self",), no_key=True):
        drift.resolved_at, drift.resolved_by, drift.note = now, RECONCILER, GONE
        drift.save(update_fields=["resolved_at", "resolved_by", "note"])
        after = {"kind": drift.kind, "provider_ref": drift.provider_ref}
        record(action="drift.vanished", by=by, target=Target.of(drift), after=after, reason=GONE)
