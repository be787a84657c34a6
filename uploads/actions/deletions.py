"""Deletes files: the row says so at once, a job removes the objects.

Nothing here asks the store in a request. What belongs to something that was deleted keeps its objects for thirty days,
so that a slip can be put right by hand; what a person asked to have erased leaves neither objects nor a row.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from jobs.actions import enqueue
from uploads import ports, selectors
from uploads.constants import DELETE_JOB, ERASE_KEY, KEEP_DELETED_DAYS, RULES, TRANSITIONS, Bucket, State
from uploads.errors import InvalidState
from uploads.locks import locked_file, locked_files_of, transition
from uploads.models import File
from uploads.objects import clean_prefix, discard
from uploads.storage import get_storage

NOW, DAYS_OF_GRACE = timedelta(0), timedelta(days=KEEP_DELETED_DAYS)


def delete(*, file_id: UUID, by: Actor) -> File:
    """Withdraw the file from every reader and queue the removal of its objects.

    Raises `NotFound`, and `InvalidState` for a file that content still shows or that never arrived.
    """
    selectors.deletable_file(file_id=file_id, actor=by)
    with transaction.atomic():
        file = locked_file(file_id)
        if file.state in selectors.GONE:
            return file
        if ports.in_use(file.pk):
            raise InvalidState("The file is in use; take it out of what shows it first.")
        return _withdraw(file, keep=NOW, by=by)


def withdraw_files_of(*, target_kind: str, target_id: UUID, by: Actor) -> int:
    """Delete all files of a target that is being deleted, and keep their objects for thirty days; return how many.

    Call it in the transaction that deletes the target. What content still shows stays as it is.
    """
    count = 0
    for file in locked_files_of(target_kind=target_kind, target_id=target_id):
        if State.DELETING in TRANSITIONS[file.state] and not ports.in_use(file.pk):
            _withdraw(file, keep=DAYS_OF_GRACE, by=by)
            count += 1
    return count


def erase_files_of(*, target_kind: str, target_id: UUID, by: Actor) -> int:
    """Erase all files of a target whose person asked for it, deleted ones too; return how many.

    Call it in the transaction that erases the person. A job removes each file's objects and then its row.
    """
    files = locked_files_of(target_kind=target_kind, target_id=target_id)
    for file in files:
        if State.DELETING in TRANSITIONS[file.state]:
            _mark(file, keep=NOW, by=by)
        _enqueue(file, by, erase=True)
    File.objects.filter(pk__in=[file.pk for file in files]).update(name="", blur_data_url="")
    return len(files)


def remove_objects(
    *, file_id: UUID, effects: Callable[[], AbstractContextManager[None]], by: Actor, erase: bool = False
) -> None:
    """Delete every object of a file that is being deleted, then close its row inside `effects()`, or delete it."""
    wanted = (State.DELETING, State.DELETED, State.EXPIRED) if erase else (State.DELETING,)
    file = File.objects.filter(pk=file_id, state__in=wanted).first()
    if file is None:
        return
    if file.quarantine_key:
        get_storage().delete(Bucket.PRIVATE, file.quarantine_key)
    if file.clean_key:
        discard(RULES[file.purpose].bucket, clean_prefix(file.clean_key))
    with effects():
        if erase:
            _erase_row(file, by)
        else:
            transition(file, State.DELETED)
            record(action="file.deleted", by=by, target=Target.of(file), after={"state": file.state})


def _withdraw(file: File, *, keep: timedelta, by: Actor) -> File:
    _mark(file, keep=keep, by=by)
    _enqueue(file, by, erase=False)
    return file


def _mark(file: File, *, keep: timedelta, by: Actor) -> None:
    before, now = file.state, db_now()
    transition(file, State.DELETING, deleted_at=now, remove_after=now + keep)
    record(action="file.deleting", by=by, target=Target.of(file), before={"state": before}, after={"state": file.state})


def _enqueue(file: File, by: Actor, *, erase: bool) -> None:
    args, key = {"file_id": str(file.pk)}, str(file.pk)
    if erase:
        enqueue(kind=DELETE_JOB, args={**args, "erase": True}, by=by, dedupe_key=f"{ERASE_KEY}{key}")
    else:
        enqueue(kind=DELETE_JOB, args=args, by=by, dedupe_key=key, run_at=file.remove_after)


def _erase_row(file: File, by: Actor) -> None:
    record(action="file.erased", by=by, target=Target("uploads.file", str(file.pk)), before={"state": file.state})
    file.delete()
