"""The work of the job `uploads.process`: from an object in quarantine to bytes that may be served.

Outside effects are repeatable: the key of what is served is chosen once and kept in the row before anything is written
to it, so that a worker that died is followed by one that writes the same bytes to the same place.
"""

import hashlib
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from audit.actions import record
from common.actor import Actor, ActorKind
from common.errors import DomainError
from common.target import Target
from jobs.actions import enqueue
from uploads import rights
from uploads.constants import EXTENSIONS, RULES, THUMBNAIL_WIDTHS, Bucket, State
from uploads.decode import Decoded, Order, RefusedError
from uploads.decoding import decode_apart
from uploads.errors import ChecksumMismatch, InvalidState, SizeMismatch, StorageUnavailable
from uploads.locks import StateChangedError, locked_file, transition
from uploads.models import File
from uploads.objects import clean_prefix, discard, publish_objects, served_values
from uploads.storage import ObjectChangedError, ObjectMissingError, get_storage

REASON_CHANGED = "object_changed"
REASON_MISSING = "object_missing"
REASON_NOT_ALLOWED = "no_longer_allowed"
REASON_ATTEMPTS = "attempts_spent"

Effects = Callable[[], AbstractContextManager[None]]

logger = logging.getLogger(__name__)


def process(*, file_id: UUID, effects: Effects, by: Actor) -> File | None:
    """Validate, re-encode and publish a confirmed file; None when there is nothing (more) to do.

    The state's change to `ready` or `rejected` is made inside `effects()`. Raises `StorageUnavailable` and
    `DecoderCrashedError` for what another attempt may cure.
    """
    file = _begin(file_id)
    if file is None:
        return None
    try:
        values = _work(file)
    except RefusedError as refusal:
        return _finish(file, State.REJECTED, {"reason": str(refusal)}, effects, by)
    except ObjectMissingError:
        return _finish(file, State.FAILED, {"reason": REASON_MISSING}, effects, by)
    return _finish(file, State.READY, values, effects, by)


def give_up(*, file_id: UUID, by: Actor) -> None:
    """Mark a file as failed whose job has no attempt left; staff may put it back into the queue."""
    with transaction.atomic():
        file = locked_file(file_id)
        if file.state in {State.UPLOADED, State.PROCESSING}:
            transition(file, State.FAILED, reason=REASON_ATTEMPTS)
            record(action="file.failed", by=by, target=Target.of(file), reason=REASON_ATTEMPTS)


def requeue(*, file_id: UUID, by: Actor) -> File:
    """Put a failed file back into the queue. Raises `InvalidState` for any other."""
    with transaction.atomic():
        file = locked_file(file_id)
        if file.state != State.FAILED:
            raise InvalidState(f"The file is {file.state}; only a failed one can be processed again.")
        transition(file, State.UPLOADED, reason="")
        enqueue(kind="uploads.process", args={"file_id": str(file.pk)}, by=by, dedupe_key=str(file.pk))
        record(action="file.requeued", by=by, target=Target.of(file), after={"state": file.state})
    return file


def _begin(file_id: UUID) -> File | None:
    """Take the file up, or take it up again after a worker that died, with the key of its clean objects reserved."""
    with transaction.atomic():
        file = locked_file(file_id)
        if file.state == State.PROCESSING:
            return file
        if file.state != State.UPLOADED:
            return None
        key = file.clean_key or f"files/{uuid4()}/original.{EXTENSIONS[file.declared_type]}"
        return transition(file, State.PROCESSING, clean_key=key)


def _work(file: File) -> dict[str, Any]:
    """Everything that needs the store or the processor, outside any transaction."""
    _require_still_allowed(file)
    with TemporaryDirectory(prefix="upload-") as folder:
        source = Path(folder) / "source"
        _fetch(file, source)
        digest = _require_checksum(file, source)
        order = Order(
            source=str(source),
            target=folder,
            content_type=file.declared_type,
            max_pixels=settings.UPLOAD_MAX_PIXELS,
            widths=THUMBNAIL_WIDTHS,
        )
        decoded: Decoded = decode_apart(order)
        publish_objects(file, decoded, Path(folder))
        return served_values(file.clean_key, decoded, Path(folder)) | {
            "observed_type": file.declared_type,
            "observed_sha256": digest,
        }


def _require_still_allowed(file: File) -> None:
    """The right may have gone since the signature: a booking cancelled, a colleague dismissed."""
    owner = rights.owner_of(file)
    if owner.kind not in {ActorKind.STAFF, ActorKind.CUSTOMER}:
        return
    try:
        rights.require_attach(purpose=file.purpose, target_id=file.target_id, actor=owner)
    except DomainError as refusal:
        raise RefusedError(REASON_NOT_ALLOWED) from refusal


def _fetch(file: File, source: Path) -> None:
    limit = RULES[file.purpose].max_bytes
    try:
        with source.open("wb") as target:
            get_storage().get(Bucket.PRIVATE, file.quarantine_key, target, etag=file.etag, limit=limit)
    except ObjectChangedError as error:
        raise RefusedError(REASON_CHANGED) from error


def _require_checksum(file: File, source: Path) -> str:
    if source.stat().st_size != file.declared_size:
        raise RefusedError(SizeMismatch.code)
    with source.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != file.declared_sha256:
        raise RefusedError(ChecksumMismatch.code)
    return digest


def _finish(file: File, state: State, values: dict[str, Any], effects: Effects, by: Actor) -> File | None:
    """Write the outcome, then clear up what is no longer needed."""
    prefix = clean_prefix(file.clean_key)
    try:
        with effects():
            transition(file, state, **values)
            record(
                action=f"file.{state.value}",
                by=by,
                target=Target.of(file),
                after={"state": state.value},
                reason=values.get("reason", ""),
            )
    except StateChangedError:  # deleted while it was being processed: nothing refers to what was written
        discard(RULES[file.purpose].bucket, prefix)
        return None
    if state != State.FAILED:
        _leave_quarantine(file)
    return file


def _leave_quarantine(file: File) -> None:
    try:
        get_storage().delete(Bucket.PRIVATE, file.quarantine_key)
    except StorageUnavailable:  # the sweep of the quarantine finds it
        logger.warning("The quarantined object of file %s could not be deleted.", file.pk)
