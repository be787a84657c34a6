"""Rows of settings that staff edit: one way to validate, write and audit them."""

from typing import Any, TypeVar

from django.db import models

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from common.validation import check

M = TypeVar("M", bound=models.Model)
_CLOCKS = frozenset({"created_at", "updated_at"})


def store(*, row: M, event: str, by: Actor) -> M:
    """Validate and write one row of staff's settings, with its audit event. Needs a transaction."""
    now = db_now()
    before = type(row)._default_manager.select_for_update(of=("self",)).filter(pk=row.pk).first()
    values: dict[str, Any] = {"created_at": getattr(before, "created_at", now), "updated_at": now}
    for name, value in values.items():
        setattr(row, name, value)
    check(row)
    row.save()
    old = columns(row=before) if before else {}
    new = columns(row=row)
    changed = [name for name in new if old.get(name) != new[name]]
    record(
        action=event,
        by=by,
        target=Target.of(row),
        before={name: old.get(name) for name in changed} if before else None,
        after={name: new[name] for name in changed},
    )
    return row


def columns(*, row: models.Model) -> dict[str, Any]:
    """The row's values as audit keeps them, without its clocks."""
    found = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    return {
        name: value if isinstance(value, bool | int | str | None) else str(value)
        for name, value in found.items()
        if name not in _CLOCKS
    }
