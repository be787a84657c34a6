"""Brings in files that the server has already: seeds and imports."""

import hashlib
import logging
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from audit.actions import record
from common.actor import Actor, ActorKind
from common.clock import db_now
from common.target import Target
from uploads import names
from uploads.constants import EXTENSIONS, REASON_INFECTED, RULES, THUMBNAIL_WIDTHS, ScanVerdict, State
from uploads.decode import REASON_PIXELS, REASON_TYPE, Order, RefusedError, decode
from uploads.decoding import DecoderCrashedError, decode_apart
from uploads.errors import ContentRefused, ContentTypeNotAllowed, FileTooLarge, ProcessingUnavailable
from uploads.models import File
from uploads.objects import publish_objects, served_values
from uploads.scanning import ScannerUnavailableError, scan_values
from uploads.storage import get_storage
from uploads.workspace import workspace

__all__ = ["ingest"]
OURS = (ActorKind.SYSTEM, ActorKind.OPERATOR)
_WORDS = {
    REASON_TYPE: "The content is not of the given type.",
    REASON_PIXELS: "The picture has too many pixels.",
    REASON_INFECTED: "The virus scanner found something in it.",
}

logger = logging.getLogger(__name__)


def ingest(
    *, content: bytes, filename: str, content_type: str, purpose: str, by: Actor, target_id: UUID | None = None
) -> File:
    """Validate, re-encode and store bytes that the server has, and return the ready file.

    What people hand in, such as a picture in a form of the admin, is scanned and decoded in a process of its own like
    an upload; what we made ourselves is decoded in this one. The caller has checked the right. Raises
    `ContentTypeNotAllowed`, `FileTooLarge`, `StorageNotConfigured`, `StorageUnavailable`, `ProcessingUnavailable` and
    `ContentRefused`.
    """
    rule = RULES[purpose]
    if content_type not in rule.types:
        raise ContentTypeNotAllowed(members={"allowed": list(rule.types)})
    if len(content) > rule.max_bytes:
        raise FileTooLarge(members={"max_bytes": rule.max_bytes})
    get_storage().require(rule.bucket)
    file = _described(content, names.cleaned(filename), content_type, purpose, target_id, by)
    with workspace() as folder:
        _publish(file, content, folder, ours=by.kind in OURS)
    with transaction.atomic():
        file.save(force_insert=True)
        record(
            action="file.ingested",
            by=by,
            target=Target.of(file),
            after={"purpose": file.purpose, "type": file.observed_type, "size": file.observed_size},
        )
    return file


def _described(content: bytes, name: str, content_type: str, purpose: str, target_id: UUID | None, by: Actor) -> File:
    digest, now = hashlib.sha256(content).hexdigest(), db_now()
    return File(
        owner_kind=by.kind.value,
        owner_id=by.id,
        purpose=purpose,
        target_kind=RULES[purpose].target_kind,
        target_id=target_id,
        name=name,
        declared_type=content_type,
        declared_size=len(content),
        declared_sha256=digest,
        observed_type=content_type,
        observed_size=len(content),
        observed_sha256=digest,
        clean_key=f"files/{uuid4()}/original.{EXTENSIONS[content_type]}",
        state=State.READY,
        created_at=now,
        expires_at=now,
        confirmed_at=now,
    )


def _publish(file: File, content: bytes, folder: Path, *, ours: bool) -> None:
    source = folder / "source"
    source.write_bytes(content)
    order = Order(str(source), str(folder), file.declared_type, settings.UPLOAD_MAX_PIXELS, THUMBNAIL_WIDTHS)
    try:
        scan = {} if ours else _clean(source)
        decoded = decode(order) if ours else decode_apart(order)
    except RefusedError as refusal:
        reason = str(refusal)
        raise ContentRefused(_WORDS.get(reason, "The content cannot be read."), members={"reason": reason}) from refusal
    except (ScannerUnavailableError, DecoderCrashedError) as error:
        logger.warning("A file could not be brought in: %s", error)
        raise ProcessingUnavailable from error
    publish_objects(file, decoded, folder)
    for name, value in (scan | served_values(file.clean_key, decoded, folder)).items():
        setattr(file, name, value)


def _clean(source: Path) -> dict[str, Any]:
    values = scan_values(source)
    if values["scan_verdict"] == ScanVerdict.INFECTED:
        raise RefusedError(REASON_INFECTED)
    return values
