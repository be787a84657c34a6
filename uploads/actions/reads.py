"""Opens files; what staff open is written down."""

from io import BytesIO
from uuid import UUID

from django.db import transaction

from audit.actions import record
from common.actor import Actor, ActorKind
from common.errors import NotFound
from common.target import Target
from uploads import rights, selectors
from uploads.constants import MAX_THUMBNAIL_BYTES, Bucket, State
from uploads.errors import InvalidState
from uploads.models import File
from uploads.storage import ObjectChangedError, ObjectMissingError, get_storage


def show(*, file_id: UUID, by: Actor) -> File:
    """Return the file to whoever may see it. Raises `NotFound`."""
    file = selectors.readable_file(file_id=file_id, actor=by)
    if rights.owns(file, by):
        preview(file=file, by=by)
    else:
        _write_down(file, by)
    return file


def preview(*, file: File, by: Actor) -> None:
    """Write down that staff open the thumbnails of a private file; asking for one's own upload's state is not that."""
    if file.state == State.READY and selectors.variants_are_private(file):
        _write_down(file, by)


def download(*, file_id: UUID, by: Actor) -> str:
    """Return a URL of 60 seconds that downloads the file. Raises `NotFound`, and `InvalidState` before it is ready."""
    file = selectors.readable_file(file_id=file_id, actor=by)
    if file.state != State.READY:
        raise InvalidState(f"The file is {file.state}; it can be downloaded once it is ready.")
    url = selectors.download_url(file)
    _write_down(file, by)
    return url


def thumbnail(*, file_id: UUID, by: Actor) -> bytes:
    """Return the smallest thumbnail. Raises `NotFound`, also for what has none, and `StorageUnavailable`."""
    file = selectors.readable_file(file_id=file_id, actor=by)
    if file.state != State.READY or not file.thumbnails:
        raise NotFound
    content = _content(selectors.bucket_of(file), file.thumbnails[0]["key"])
    preview(file=file, by=by)
    return content


def _content(bucket: Bucket, key: str) -> bytes:
    storage, target = get_storage(), BytesIO()
    info = storage.head(bucket, key)
    if info is None:
        raise NotFound
    try:
        storage.get(bucket, key, target, etag=info.etag, limit=MAX_THUMBNAIL_BYTES)
    except (ObjectMissingError, ObjectChangedError) as error:
        raise NotFound from error
    return target.getvalue()


def _write_down(file: File, by: Actor) -> None:
    if by.kind is ActorKind.STAFF:
        with transaction.atomic():
            record(action="file.read", by=by, target=Target.of(file), meta={"purpose": file.purpose})
