"""The work of the job `uploads.process`: from an object in quarantine to bytes that may be served.

Outside effects are repeatable: the key of what is served is chosen once and kept in the row before anything is written
to it, so that a worker that died is followed by one that writes the same bytes to the same place.
"""

import hashlib
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
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
from uploads.constants import (
    EXTENSIONS,
    NEEDS_CLEAN_OBJECTS,
    PROCESS_JOB,
    REASON_INFECTED,
    RULES,
    SNIFF_BYTES,
    THUMBNAIL_WIDTHS,
    Bucket,
    ScanVerdict,
    State,
)
from uploads.decode import Decoded, Order, RefusedError, sniff
from uploads.decoding import decode_apart
from uploads.errors import ChecksumMismatch, InvalidState, SizeMismatch, StorageNotConfigured, StorageUnavailable
from uploads.locks import StateChangedError, locked_file, transition
from uploads.models import File
from uploads.objects import clean_prefix, discard, publish_objects, served_values
from uploads.scanning import scan_values
from uploads.storage import ObjectChangedError, ObjectMissingError, get_storage
from uploads.workspace import workspace

REASON_CHANGED = "object_changed"
REASON_MISSING = "object_missing"
REASON_NOT_ALLOWED = "no_longer_allowed"
REASON_ATTEMPTS = "attempts_spent"

Effects = Callable[[], AbstractContextManager[None]]

logger = logging.getLogger(__name__)


def process(*, file_id: UUID, effects: Effects, by: Actor) -> File | None:
    """Validate, scan, re-encode and publish a confirmed file; None when there is nothing (more) to do.

    The state's change to `ready` or `rejected` is made inside `effects()`. Raises `StorageUnavailable`,
    `ScannerUnavailableError` and `DecoderCrashedError` for what another attempt may cure.
    """
    file = _begin(file_id, by)
    if file is None:
        return None
    facts: dict[str, Any] = {}  # what is known so far of the bytes, kept whatever the outcome
    try:
        _work(file, facts)
    except RefusedError as refusal:
        return _finish(file, State.REJECTED, facts | {"reason": str(refusal)}, effects, by)
    except ObjectMissingError:
        return _finish(file, State.FAILED, facts | {"reason": REASON_MISSING}, effects, by)
    return _finish(file, State.READY, facts, effects, by)


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
        enqueue(kind=PROCESS_JOB, args={"file_id": str(file.pk)}, by=by, dedupe_key=str(file.pk))
        record(action="file.requeued", by=by, target=Target.of(file), after={"state": file.state})
    return file


def _begin(file_id: UUID, by: Actor) -> File | None:
    """Take the file up, or take it up again after a worker that died, with the key of its clean objects reserved.

    A failed file comes here when somebody has its dead job run again, which means the same as `requeue`.
    """
    with transaction.atomic():
        file = locked_file(file_id)
        if file.state == State.FAILED:
            transition(file, State.UPLOADED, reason="")
            record(action="file.requeued", by=by, target=Target.of(file), after={"state": file.state})
        if file.state == State.PROCESSING:
            return file
        if file.state != State.UPLOADED:
            return None
        key = file.clean_key or f"files/{uuid4()}/original.{EXTENSIONS[file.declared_type]}"
        return transition(file, State.PROCESSING, clean_key=key)


def _work(file: File, facts: dict[str, Any]) -> None:
    """Everything that needs the store, the scanner or the processor, outside any transaction."""
    _require_still_allowed(file)
    with workspace() as folder:
        source = folder / "source"
        _fetch(file, source)
        facts |= _observed(source)
        _require_as_signed(file, facts)
        facts |= scan_values(source)
        if facts["scan_verdict"] == ScanVerdict.INFECTED:
            raise RefusedError(REASON_INFECTED)
        order = Order(
            source=str(source),
            target=str(folder),
            content_type=file.declared_type,
            max_pixels=settings.UPLOAD_MAX_PIXELS,
            widths=THUMBNAIL_WIDTHS,
        )
        decoded: Decoded = decode_apart(order)
        publish_objects(file, decoded, folder)
        facts |= served_values(file.clean_key, decoded, folder)


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


def _observed(source: Path) -> dict[str, Any]:
    """What the bytes are, whatever was said of them."""
    with source.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
        stream.seek(0)
        kind = sniff(stream.read(SNIFF_BYTES))
    return {"observed_size": source.stat().st_size or None, "observed_sha256": digest, "observed_type": kind}


def _require_as_signed(file: File, facts: dict[str, Any]) -> None:
    if facts["observed_size"] != file.declared_size:
        raise RefusedError(SizeMismatch.code)
    if facts["observed_sha256"] != file.declared_sha256:
        raise RefusedError(ChecksumMismatch.code)


def _finish(file: File, state: State, values: dict[str, Any], effects: Effects, by: Actor) -> File | None:
    """Write the outcome, then clear up what is no longer needed."""
    try:
        with effects():
            transition(file, state, **values)
            _record_outcome(file, by)
    except StateChangedError:
        _clear_up_after(file)
        return None
    if state == State.REJECTED:
        _discard_clean(file)
    if state != State.FAILED:
        _leave_quarantine(file)
    return file


def _record_outcome(file: File, by: Actor) -> None:
    scan = {"engine": file.scan_engine, "verdict": file.scan_verdict}
    record(
        action=f"file.{State(file.state).value}",
        by=by,
        target=Target.of(file),
        after={"state": file.state},
        meta={"scan": scan},
        reason=file.reason,
    )


def _clear_up_after(file: File) -> None:
    """Somebody moved the file on meanwhile: what was written goes only if nobody can want it.

    A worker that was slow comes here too, after another one has made the file ready at the same key.
    """
    now = File.objects.filter(pk=file.pk).first()
    going = now is not None and now.state == State.DELETING and now.remove_after is None
    if now is None or going or now.state not in NEEDS_CLEAN_OBJECTS:
        _discard_clean(file)


def _discard_clean(file: File) -> None:
    try:
        discard(RULES[file.purpose].bucket, clean_prefix(file.clean_key))
    except (StorageUnavailable, StorageNotConfigured):  # the sweep of objects without a row finds them
        logger.warning("The objects of file %s could not be deleted.", file.pk)


def _leave_quarantine(file: File) -> None:
    try:
        get_storage().delete(Bucket.PRIVATE, file.quarantine_key)
    except StorageUnavailable:  # the sweep of the quarantine finds it
        logger.warning("The quarantined object of file %s could not be deleted.", file.pk)
