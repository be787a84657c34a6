"""Going back to an older version."""

from datetime import datetime
from typing import TypeVar

from django.db import transaction

from cms import cleaning, consent, selectors, snapshots
from cms.actions import drafts
from cms.constants import RevisionKind
from cms.locks import locked
from cms.models import Publishable
from common.actor import Actor
from common.clock import db_now
from common.errors import PreconditionFailed

T = TypeVar("T", bound=Publishable)


@transaction.atomic
def restore(
    *,
    item: T,
    number: int,
    by: Actor,
    expected_version: int | None = None,
    now: datetime | None = None,
    comment: str = "",
) -> T:
    """Make the whole of an older revision the newest draft, and return the item; what is public stays as it is.

    It is cleaned as anything that is written, and rows that are gone are left out. A consent that was withdrawn since
    stays withdrawn, and a revision without one withdraws it as any other draft does. Nothing is written when the
    draft is that already. Raises NotFound, PreconditionFailed, SlugTaken, ValidationFailed, and InvalidTransition for
    an item in the trash.
    """
    row = locked(item)
    if expected_version is not None and expected_version != row.lock_version:
        raise PreconditionFailed
    drafts.refuse_trashed(item=row, by=by)
    model, newest = type(row), snapshots.newest(row)
    chosen = snapshots.of(model, selectors.revision(row, number))
    snapshot = cleaning.cleaned(model, consent.kept_withdrawn(model, chosen, newest), strict=())
    if snapshot == newest:
        return row
    words = comment or f"Version {number}"
    return drafts.entered(
        item=row, snapshot=snapshot, kind=RevisionKind.RESTORE, by=by, now=now or db_now(), comment=words
    )
