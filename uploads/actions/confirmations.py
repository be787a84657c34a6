"""Confirms an upload: what the store has is compared with what was signed, then the work is queued."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.errors import NotFound, Unprocessable
from common.target import Target
from jobs.actions import enqueue
from uploads import rights, selectors
from uploads.constants import CONFIRM_GRACE_SECONDS, PROCESS_JOB, SNIFF_BYTES, Bucket, State
from uploads.decode import sniff
from uploads.errors import (
    ChecksumMismatch,
    InvalidState,
    SizeMismatch,
    StorageUnavailable,
    TypeMismatch,
    UploadExpired,
    UploadMissing,
)
from uploads.locks import StateChangedError, locked_file, transition
from uploads.models import File
from uploads.storage import ObjectChangedError, ObjectMissingError, get_storage

REFUSED = (State.REJECTED, State.MISSING)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Seen:
    """What the store has under the file's key."""

    size: int
    type: str
    etag: str


def confirm(*, file_id: UUID, by: Actor) -> File:
    """Accept the bytes that arrived and queue their processing; repeated, it gives the file as it is now.

    Raises `NotFound`, `UploadMissing` (worth repeating), `UploadExpired`, `InvalidState`, `StorageUnavailable` and,
    having rejected the file, `SizeMismatch`, `TypeMismatch` or `ChecksumMismatch`.
    """
    file = selectors.owned_file(file_id=file_id, actor=by)
    if file.state != State.PENDING:
        return _present(file)
    if db_now() > file.expires_at + timedelta(seconds=CONFIRM_GRACE_SECONDS):
        raise UploadExpired
    rights.require_attach(purpose=file.purpose, target_id=file.target_id, actor=by)
    try:
        seen = _observe(file)
    except Unprocessable as mismatch:
        _reject(file, mismatch, by)
        raise
    return _accept(file, seen, by)


def _present(file: File) -> File:
    """What a repeated confirmation shows, or its refusal."""
    if file.state in selectors.GONE:
        raise NotFound
    if file.state == State.EXPIRED:
        raise UploadExpired
    if file.state in REFUSED:
        raise InvalidState(f"The file is {file.state}: {file.reason or 'its object is gone'}.")
    return file


def _observe(file: File) -> _Seen:
    """Ask the store, outside any transaction."""
    storage = get_storage()
    info = storage.head(Bucket.PRIVATE, file.quarantine_key)
    if info is None:
        raise UploadMissing
    if info.size != file.declared_size:
        raise SizeMismatch
    # A store may keep neither metadata nor checksums; what it does not say, processing finds out from the bytes.
    if info.content_type != file.declared_type or info.file_id not in {"", str(file.pk)}:
        raise TypeMismatch
    if info.sha256 not in {"", file.declared_sha256}:
        raise ChecksumMismatch
    try:
        head = storage.read_range(Bucket.PRIVATE, file.quarantine_key, length=SNIFF_BYTES, etag=info.etag)
    except ObjectMissingError as error:
        raise UploadMissing from error
    except ObjectChangedError as error:  # a store that takes a second PUT: ask it again
        raise StorageUnavailable from error
    kind = sniff(head)
    if kind != file.declared_type:
        raise TypeMismatch
    return _Seen(size=info.size, type=kind, etag=info.etag)


def _accept(file: File, seen: _Seen, by: Actor) -> File:
    with transaction.atomic():
        row = locked_file(file.pk)
        if row.state != State.PENDING:  # another confirm was first
            return _present(row)
        rights.require_attach(purpose=row.purpose, target_id=row.target_id, actor=by)
        known = {"etag": seen.etag, "observed_size": seen.size, "observed_type": seen.type}
        transition(row, State.UPLOADED, confirmed_at=db_now(), **known)
        enqueue(kind=PROCESS_JOB, args={"file_id": str(row.pk)}, by=by, dedupe_key=str(row.pk))
        record(action="file.confirmed", by=by, target=Target.of(row), after={"state": row.state, "size": seen.size})
    return row


def _reject(file: File, mismatch: Unprocessable, by: Actor) -> None:
    try:
        with transaction.atomic():
            transition(file, State.REJECTED, reason=mismatch.code)
            record(
                action="file.rejected", by=by, target=Target.of(file), after={"state": file.state}, reason=mismatch.code
            )
    except StateChangedError:  # another confirm saw the same and was first
        return
    try:
        get_storage().delete(Bucket.PRIVATE, file.quarantine_key)
    except StorageUnavailable:  # the sweep of the quarantine finds it
        logger.warning("The object of rejected file %s could not be deleted.", file.pk)
