"""The row of a type that has one: nobody creates it, the first change does."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar

from django.db import IntegrityError, transaction

from cms.actions import drafts
from cms.models import Publishable
from common.actor import Actor
from common.errors import PreconditionFailed

T = TypeVar("T", bound=Publishable)


@transaction.atomic
def save(
    *, model: type[T], values: Mapping[str, Any], by: Actor, expected_version: int, now: datetime | None = None
) -> T:
    """Save a draft of the one row, and return it; version 0 is that of a row which nobody has written.

    Raises as `drafts.save` does; PreconditionFailed also for whoever is second to write the first one.
    """
    row = model._default_manager.first()
    if row is not None:
        return drafts.save(item=row, values=values, by=by, expected_version=expected_version, now=now)
    if expected_version:
        raise PreconditionFailed
    try:
        with transaction.atomic():
            return drafts.create(model=model, values=values, by=by, now=now)
    except IntegrityError as fault:
        raise PreconditionFailed from fault
