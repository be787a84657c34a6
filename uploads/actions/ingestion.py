"""Brings in files that the server has already: seeds and imports."""

import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from uploads import names
from uploads.constants import EXTENSIONS, RULES, THUMBNAIL_WIDTHS, State
from uploads.decode import REASON_PIXELS, REASON_TYPE, Order, RefusedError, decode
from uploads.errors import ContentRefused, ContentTypeNotAllowed, FileTooLarge
from uploads.models import File
from uploads.objects import publish_objects, served_values
from uploads.storage import get_storage

__all__ = ["ingest"]
_WORDS = {REASON_TYPE: "The content is not of the given type.", REASON_PIXELS: "The picture has too many pixels."}


def ingest(
    *, content: bytes, filename: str, content_type: str, purpose: str, by: Actor, target_id: UUID | None = None
) -> File:
    """Validate, re-encode and store bytes that we made or trust to fetch, and return the ready file.

    It decodes in this process, so it is not for bytes of strangers. The caller has checked the right. Raises
    `ContentTypeNotAllowed`, `FileTooLarge`, `StorageNotConfigured`, `StorageUnavailable` and `ContentRefused`.
    """
    rule = RULES[purpose]
    if content_type not in rule.types:
        raise ContentTypeNotAllowed(members={"allowed": list(rule.types)})
    if len(content) > rule.max_bytes:
        raise FileTooLarge(members={"max_bytes": rule.max_bytes})
    get_storage().require(rule.bucket)
    file = _described(content, names.cleaned(filename), content_type, purpose, target_id, by)
    with TemporaryDirectory(prefix="ingest-") as folder:
        _publish(file, content, Path(folder))
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


def _publish(file: File, content: bytes, folder: Path) -> None:
    source = folder / "source"
    source.write_bytes(content)
    order = Order(str(source), str(folder), file.declared_type, settings.UPLOAD_MAX_PIXELS, THUMBNAIL_WIDTHS)
    try:
        decoded = decode(order)
    except RefusedError as refusal:
        reason = str(refusal)
        raise ContentRefused(_WORDS.get(reason, "The content cannot be read."), members={"reason": reason}) from refusal
    publish_objects(file, decoded, folder)
    for name, value in served_values(file.clean_key, decoded, folder).items():
        setattr(file, name, value)
