"""Deletes files: the row says so at once, a job removes the objects."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from uuid import UUID

from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from jobs.actions import enqueue
from uploads import ports, selectors
from uploads.constants import RULES, Bucket, State
from uploads.errors import InvalidState
from uploads.locks import locked_file, transition
from uploads.models import File
from uploads.objects import clean_prefix, discard
from uploads.storage import get_storage


def delete(*, file_id: UUID, by: Actor) -> File:
    """Withdraw the file from every reader and queue the removal of its objects.

    Raises `NotFound`, and `InvalidState` for a file that content still shows or that never arrived.
    """
    file = selectors.deletable_file(file_id=file_id, actor=by)
    if ports.in_use(file.pk):
        raise InvalidState("The file is in use; take it out of what shows it first.")
    with transaction.atomic():
        file = locked_file(file.pk)
        before = file.state
        if before in selectors.GONE:
            return file
        transition(file, State.DELETING)
        enqueue(kind="uploads.delete", args={"file_id": str(file.pk)}, by=by, dedupe_key=str(file.pk))
        record(
            action="file.deleting", by=by, target=Target.of(file), before={"state": before}, after={"state": file.state}
        )
    return file


def remove_objects(*, file_id: UUID, effects: Callable[[], AbstractContextManager[None]], by: Actor) -> None:
    """Delete every object of a file that is being deleted, then close its row inside `effects()`."""
    file = File.objects.filter(pk=file_id, state=State.DELETING).first()
    if file is None:
        return
    if file.quarantine_key:
        get_storage().delete(Bucket.PRIVATE, file.quarantine_key)
    if file.clean_key:
        discard(RULES[file.purpose].bucket, clean_prefix(file.clean_key))
    with effects():
        transition(file, State.DELETED, deleted_at=db_now())
        record(action="file.deleted", by=by, target=Target.of(file), after={"state": file.state})
