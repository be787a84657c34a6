"""Locks of files, and the one way to change a state. Lock order: the owner, then the file."""

import hashlib
from typing import Any
from uuid import UUID

from django.db import connection, models

from common.errors import NotFound
from uploads.constants import TRANSITIONS, State
from uploads.errors import InvalidState
from uploads.models import File


class StateChangedError(Exception):
    """Somebody else moved the file on since it was read."""


def lock_owner(*, kind: str, owner_id: str) -> None:
    """Let one signature of an owner at a time count that owner's files, until the transaction ends."""
    digest = hashlib.sha256(f"uploads.owner:{kind}:{owner_id}".encode()).digest()
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int.from_bytes(digest[:8], signed=True)])


def locked_file(file_id: UUID) -> File:
    """Return the row, locked until the transaction ends. Raises `NotFound`."""
    try:
        return File.objects.select_for_update().get(pk=file_id)
    except File.DoesNotExist:
        raise NotFound from None


def locked_files_of(*, target_kind: str, target_id: UUID) -> list[File]:
    """Return every file of a target, deleted ones too, locked in the order of their ids until the transaction ends."""
    return list(File.objects.select_for_update().filter(target_kind=target_kind, target_id=target_id).order_by("pk"))


def transition(file: File, to: State, **values: Any) -> File:
    """Move the file from the state and version that `file` was read with, and write `values` with it.

    Raises `InvalidState` for a move that is not in the table, and `StateChangedError` when the row has moved meanwhile.
    """
    if to not in TRANSITIONS[file.state]:
        raise InvalidState(f"A file that is {file.state} cannot become {to.value}.")
    changed = File.objects.filter(pk=file.pk, state=file.state, version=file.version).update(
        state=to, version=models.F("version") + 1, **values
    )
    if not changed:
        raise StateChangedError(f"File {file.pk} is no longer {file.state} at version {file.version}.")
    file.refresh_from_db()
    return file
