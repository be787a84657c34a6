"""Reads of files that more than one place needs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Count, QuerySet
from django.urls import reverse

from common.actor import Actor
from common.attention import Attention
from common.clock import db_now
from common.errors import NotFound
from common.health import Check
from uploads import rights
from uploads.constants import (
    ENDINGS,
    READ_URL_TTL_SECONDS,
    RULES,
    THUMBNAIL_TYPE,
    Bucket,
    State,
)
from uploads.errors import StorageNotConfigured
from uploads.models import File
from uploads.scanning import ScannerUnavailableError, get_scanner
from uploads.storage import ReadOrder, get_storage, is_configured

READ_URL_TTL = timedelta(seconds=READ_URL_TTL_SECONDS)
MOST_LINKS = 50
GONE = (State.DELETING, State.DELETED)
WAITING = {State.FAILED: "files that could not be processed", State.MISSING: "files that have lost their object"}


@dataclass(frozen=True)
class Variant:
    """One picture of an image: `url` is absolute and immutable for public files, presigned for private ones."""

    width: int
    height: int
    type: str
    url: str


def ready_file(file_id: UUID | str, *, lock: bool = False) -> File:
    """Return a file that may be served. Raises `NotFound` for every other state.

    Lock it in the transaction that begins to use it: a deletion then either sees the use or has come before.
    """
    files = File.objects.select_for_update() if lock else File.objects.all()
    file = files.filter(pk=file_id, state=State.READY).first()
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
    held, file = rights.held_by(actor), _present(file_id)
    if file is None or not (rights.owns(file, actor) or file.state == State.READY):
        raise NotFound
    if not rights.may_read(file, actor, held):
        raise NotFound
    return file


def deletable_file(*, file_id: UUID, actor: Actor) -> File:
    """Return a file to whoever may delete it. Raises `NotFound`."""
    held, file = rights.held_by(actor), _present(file_id)
    if file is None or not rights.may_delete(file, actor, held):
        raise NotFound
    return file


def files_of(*, target_kind: str, target_id: UUID) -> QuerySet[File]:
    """The files of one target that are not deleted, newest first; who may see them is for the caller to know."""
    return File.objects.exclude(state__in=GONE).filter(target_kind=target_kind, target_id=target_id)


def staff_links(target_kind: str, target_id: UUID) -> list[tuple[str, str, str]]:
    """The newest files of a target for a page of staff: the address of the file's page, its name, its state."""
    newest = files_of(target_kind=target_kind, target_id=target_id)[:MOST_LINKS]
    return [
        (reverse("admin:uploads_file_change", args=[file.pk]), file.name, file.get_state_display()) for file in newest
    ]


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
    """A URL of 60 seconds that downloads the file under its cleaned name. Raises `StorageNotConfigured`.

    The name ends as the bytes are: the same PDF may be a page or a script to whoever opens it as `invoice.hta`.
    """
    endings = ENDINGS[file.observed_type]
    name = file.name if file.name.lower().endswith(endings) else f"{file.name}{endings[0]}"
    order = ReadOrder(
        bucket=bucket_of(file),
        key=file.clean_key,
        content_type=file.observed_type,
        expires_at=db_now() + READ_URL_TTL,
        ttl_seconds=READ_URL_TTL_SECONDS,
        filename=name,
    )
    return get_storage().sign_get(order)


def health() -> Check:
    """The state of the store, for `/readyz` and the health card; it asks the store."""
    if not is_configured():
        return Check(name="storage", status="degraded", reason=StorageNotConfigured.code)
    problem = get_storage().problem()
    return Check(name="storage", status="degraded" if problem else "ok", reason=problem)


def scanner_health() -> Check:
    """Whether the virus scanner that the settings name answers; it asks it, and none is no fault."""
    scanner = get_scanner()
    if scanner is None:
        return Check(name="scanner", status="ok", reason="not_configured")
    try:
        scanner.ping()
    except ScannerUnavailableError:
        return Check(name="scanner", status="degraded", reason="scanner_unavailable")
    return Check(name="scanner", status="ok")


def needs_you() -> list[Attention]:
    """Files that wait for a person: those that could not be processed, and those whose object is gone."""
    counts = dict(File.objects.filter(state__in=WAITING).order_by().values_list("state").annotate(count=Count("pk")))
    page = reverse("admin:uploads_file_changelist")
    return [
        Attention(
            label=label, count=counts.get(state, 0), url=f"{page}?state__exact={state.value}", permission=rights.VIEW
        )
        for state, label in WAITING.items()
    ]


def _present(file_id: UUID) -> File | None:
    return File.objects.exclude(state__in=GONE).filter(pk=file_id).first()


def _signed_thumbnails() -> Callable[[str], str]:
    storage, expires_at = get_storage(), db_now() + READ_URL_TTL
    return lambda key: storage.sign_get(
        ReadOrder(Bucket.PRIVATE, key, THUMBNAIL_TYPE, expires_at=expires_at, ttl_seconds=READ_URL_TTL_SECONDS)
    )
