"""Reads of files that more than one place needs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Sum
from django.urls import reverse

from common.actor import Actor
from common.attention import Attention
from common.clock import db_now
from common.errors import NotFound
from common.health import Check
from uploads import rights
from uploads.constants import (
    EXTENSIONS,
    READ_URL_TTL_SECONDS,
    RULES,
    THUMBNAIL_TYPE,
    Bucket,
    State,
)
from uploads.errors import StorageNotConfigured
from uploads.models import File
from uploads.storage import ReadOrder, get_storage, is_configured

READ_URL_TTL = timedelta(seconds=READ_URL_TTL_SECONDS)
GONE = (State.DELETING, State.DELETED)
COUNTED = (State.PENDING, State.UPLOADED, State.PROCESSING, State.READY, State.FAILED)


@dataclass(frozen=True)
class Variant:
    """One picture of an image: `url` is absolute and immutable for public files, presigned for private ones."""

    width: int
    height: int
    type: str
    url: str


def ready_file(file_id: UUID | str) -> File:
    """Return a file that may be served. Raises `NotFound` for every other state."""
    file = File.objects.filter(pk=file_id, state=State.READY).first()
    if file is None:
        raise NotFound
    return file


def owned_file(*, file_id: UUID, actor: Actor) -> File:
    """Return a file in any state but the deleted ones to the actor who had it signed. Raises `NotFound`."""
    file = File.objects.exclude(state__in=GONE).filter(pk=file_id, owner_kind=actor.kind, owner_id=actor.id).first()
    if file is None:
        raise NotFound
    return file


def readable_file(*, file_id: UUID, actor: Actor) -> File:
    """Return a file to whoever may see it: its owner at any time, others once it is ready. Raises `NotFound`."""
    file = File.objects.exclude(state__in=GONE).filter(pk=file_id).first()
    if file is None or not (rights.owns(file, actor) or file.state == State.READY) or not rights.may_read(file, actor):
        raise NotFound
    return file


def deletable_file(*, file_id: UUID, actor: Actor) -> File:
    """Return a file to whoever may delete it. Raises `NotFound`."""
    file = File.objects.exclude(state__in=GONE).filter(pk=file_id).first()
    if file is None or not rights.may_delete(file, actor):
        raise NotFound
    return file


def bucket_of(file: File) -> Bucket:
    """The bucket that serves files of this purpose."""
    return RULES[file.purpose].bucket


def public_url(file: File) -> str:
    """The address of the whole picture on `MEDIA_BASE_URL`; empty for private files and before `ready`."""
    if file.state != State.READY or bucket_of(file) is not Bucket.PUBLIC:
        return ""
    return media_url(file.clean_key)


def media_url(key: str) -> str:
    """The address of a public object."""
    return f"{settings.MEDIA_BASE_URL}/{key}"


def variants(file: File) -> list[Variant]:
    """The thumbnails of a ready image from narrow to wide, never wider than the picture itself; else an empty list."""
    if file.state != State.READY or not file.thumbnails:
        return []
    address = media_url if bucket_of(file) is Bucket.PUBLIC else _signed_thumbnails()
    return [
        Variant(width=one["width"], height=one["height"], type=THUMBNAIL_TYPE, url=address(one["key"]))
        for one in file.thumbnails
    ]


def variants_are_private(file: File) -> bool:
    """Whether showing the thumbnails opens a private file."""
    return bool(file.thumbnails) and bucket_of(file) is Bucket.PRIVATE


def download_url(file: File) -> str:
    """A URL of 60 seconds that downloads the file under its cleaned name. Raises `StorageNotConfigured`."""
    name = file.name if "." in file.name else f"{file.name}.{EXTENSIONS[file.observed_type]}"
    order = ReadOrder(
        bucket=bucket_of(file),
        key=file.clean_key,
        content_type=file.observed_type,
        expires_at=db_now() + READ_URL_TTL,
        ttl_seconds=READ_URL_TTL_SECONDS,
        filename=name,
    )
    return get_storage().sign_get(order)


def pending_count(*, kind: str, owner_id: str) -> int:
    """How many signed uploads of an owner wait for confirmation."""
    return File.objects.filter(owner_kind=kind, owner_id=owner_id, state=State.PENDING).count()


def used_bytes(*, kind: str, owner_id: str) -> int:
    """The announced sizes of all files of an owner that take or may take room."""
    files = File.objects.filter(owner_kind=kind, owner_id=owner_id, state__in=COUNTED)
    total: Mapping[str, Any] = files.aggregate(total=Sum("declared_size"))
    return int(total["total"] or 0)


def health() -> Check:
    """The state of the store, for `/readyz` and the health card; it asks the store."""
    if not is_configured():
        return Check(name="storage", status="degraded", reason=StorageNotConfigured.code)
    problem = get_storage().problem()
    return Check(name="storage", status="degraded" if problem else "ok", reason=problem)


def needs_you() -> list[Attention]:
    """Files that could not be processed and wait for a person."""
    count = File.objects.filter(state=State.FAILED).count()
    url = f"{reverse('admin:uploads_file_changelist')}?state__exact={State.FAILED.value}"
    return [Attention(label="files that could not be processed", count=count, url=url, permission=rights.VIEW)]


def _signed_thumbnails() -> Callable[[str], str]:
    storage, expires_at = get_storage(), db_now() + READ_URL_TTL
    return lambda key: storage.sign_get(
        ReadOrder(Bucket.PRIVATE, key, THUMBNAIL_TYPE, expires_at=expires_at, ttl_seconds=READ_URL_TTL_SECONDS)
    )
