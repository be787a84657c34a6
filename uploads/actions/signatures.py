"""Signs an upload: the row first, then a URL that may write one key once."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from uploads import names, quotas, rights, selectors
from uploads.constants import (
    FORBIDDEN_TYPES,
    RULES,
    UPLOAD_TTL_SECONDS,
    Bucket,
    State,
)
from uploads.errors import ContentTypeNotAllowed, FileTooLarge, InvalidState, UploadExpired
from uploads.locks import lock_owner
from uploads.models import File
from uploads.storage import PutOrder, get_storage


@dataclass(frozen=True)
class Claim:
    """What the client says of a file that it is about to send; `sha256` is in hex, `size` in bytes."""

    purpose: str
    filename: str
    content_type: str
    size: int
    sha256: str
    target_id: UUID | None = None


@dataclass(frozen=True)
class Signed:
    """A file with the URL that brings its bytes; the URL is a secret."""

    file: File
    url: str
    headers: dict[str, str]


def sign(*, claim: Claim, by: Actor) -> Signed:
    """Reserve a file for `by` and sign the URL of its bytes, valid for ten minutes.

    Raises `PermissionDenied`, `NotFound` or the target's refusal; `ContentTypeNotAllowed`, `FileTooLarge`,
    `StorageNotConfigured`, `TooManyPending`, `QuotaExceeded`, and `ValidationFailed` for an unusable name.
    """
    rule = RULES[claim.purpose]
    rights.require_attach(purpose=claim.purpose, target_id=claim.target_id, actor=by)
    _require_type(claim)
    if claim.size > rule.max_bytes:
        raise FileTooLarge(members={"max_bytes": rule.max_bytes})
    storage = get_storage()
    for bucket in {Bucket.PRIVATE, rule.bucket}:
        storage.require(bucket)
    name, now = names.cleaned(claim.filename), db_now()
    with transaction.atomic():
        lock_owner(kind=by.kind, owner_id=by.id)
        quotas.require_room(owner=by, size=claim.size, now=now)
        file = _reserve(claim, name=name, by=by, now=now)
        record(
            action="file.signed",
            by=by,
            target=Target.of(file),
            after={"purpose": file.purpose, "declared_type": file.declared_type, "declared_size": file.declared_size},
        )
    return _signed(file, now)


def sign_again(*, file_id: UUID, by: Actor) -> Signed:
    """Sign the same file until the same instant.

    Raises `UploadExpired` once that has passed, `InvalidState` when the bytes were confirmed already, `NotFound`, and
    the refusals of the target, since the right may have gone.
    """
    file = selectors.owned_file(file_id=file_id, actor=by)
    rights.require_attach(purpose=file.purpose, target_id=file.target_id, actor=by)
    now = db_now()
    if file.state == State.EXPIRED or file.expires_at <= now:
        raise UploadExpired
    if file.state != State.PENDING:
        raise InvalidState(f"The file is {file.state}; its bytes are not wanted any more.")
    return _signed(file, now)


def _require_type(claim: Claim) -> None:
    allowed = RULES[claim.purpose].types
    if claim.content_type in FORBIDDEN_TYPES or claim.content_type not in allowed:
        raise ContentTypeNotAllowed(members={"allowed": list(allowed)})


def _reserve(claim: Claim, *, name: str, by: Actor, now: datetime) -> File:
    return File.objects.create(
        owner_kind=by.kind.value,
        owner_id=by.id,
        purpose=claim.purpose,
        target_kind=RULES[claim.purpose].target_kind,
        target_id=claim.target_id,
        name=name,
        declared_type=claim.content_type,
        declared_size=claim.size,
        declared_sha256=claim.sha256,
        quarantine_key=f"quarantine/{now:%Y/%m}/{uuid4()}",
        created_at=now,
        expires_at=now + timedelta(seconds=UPLOAD_TTL_SECONDS),
    )


def _signed(file: File, now: datetime) -> Signed:
    order = PutOrder(
        key=file.quarantine_key,
        content_type=file.declared_type,
        size=file.declared_size,
        sha256=file.declared_sha256,
        file_id=str(file.pk),
        expires_at=file.expires_at,
        ttl_seconds=max(1, int((file.expires_at - now).total_seconds())),
    )
    return Signed(file=file, url=get_storage().sign_put(order), headers=order.headers)
