"""Differences from the provider that wait for a person."""

import uuid

from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.errors import FieldError, NotFound, ValidationFailed
from common.target import Target
from payments.constants import NOTE_LENGTH
from payments.models import Drift


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
