"""Two folders of this machine, behind signed URLs of ours that ask for what S3 asks for.

Beside each object lies `<name>.meta`, JSON of its type, ETag, checksum and file id. Keys hold no upper-case letters
and no user text, so that a key is a safe path on every file system.
"""

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from django.core import signing

from uploads.constants import Bucket
from uploads.errors import StorageUnavailable
from uploads.storage.base import (
    ObjectChangedError,
    ObjectInfo,
    ObjectMissingError,
    PartialUpload,
    PutOrder,
    ReadOrder,
    checked_key,
    to_hex,
)

PUT_SALT = "uploads.local.put"
GET_SALT = "uploads.local.get"
META_SUFFIX = ".meta"
PARTIAL_PREFIX = ".partial-"
PARTIAL_PATTERN = re.compile(r"(?:[a-z0-9][a-z0-9._-]*/)*\.partial-[a-z0-9_]+")
CHUNK_BYTES = 64 * 1024


class LocalStorage:
    """The adapter of `STORAGE=local`; `root` is `MEDIA_ROOT`, `origin` is `PUBLIC_URL`."""

    def __init__(self, root: Path, origin: str) -> None:
        self.root = root
        self.origin = origin

    def require(self, bucket: Bucket) -> None:
        """Both folders are always there."""

    def sign_put(self, order: PutOrder) -> str:
        """Return a URL of ours that carries the whole order, signed."""
        return f"{self.origin}/uploads/put/{_seal(order, PUT_SALT)}"

    def sign_get(self, order: ReadOrder) -> str:
        """Return a URL of ours that carries the whole order, signed."""
        return f"{self.origin}/uploads/get/{_seal(order, GET_SALT)}"

    def head(self, bucket: Bucket, key: str) -> ObjectInfo | None:
        """Return what the meta file says, with the size that the disk says."""
        with self._disk():
            path = self.path(bucket, key)
            return _info(path, key) if path.is_file() else None

    def read_range(self, bucket: Bucket, key: str, *, length: int, etag: str) -> bytes:
        """Return the first `length` bytes of the object with this ETag."""
        with self._disk(), self._opened(bucket, key, etag) as source:
            return source.read(length)

    def get(self, bucket: Bucket, key: str, target: BinaryIO, *, etag: str, limit: int) -> None:
        """Copy the object with this ETag into `target`."""
        with self._disk(), self._opened(bucket, key, etag) as source:
            if os.fstat(source.fileno()).st_size > limit:
                raise ObjectChangedError
            shutil.copyfileobj(source, target)

    def put(self, bucket: Bucket, key: str, source: Path, *, content_type: str) -> None:
        """Write a file of ours; readers see the old object or the new one, never a part."""
        with self._disk(), source.open("rb") as stream:
            self._write(bucket, key, stream, {"content_type": content_type}, once=False)

    def write_once(self, order: PutOrder, stream: BinaryIO) -> ObjectInfo:
        """Write the bytes of a signed PUT.

        Raises `FileExistsError` for a second one, `ObjectChangedError` for other bytes, and `StorageUnavailable`.
        """
        meta = {"content_type": order.content_type, "file_id": order.file_id}
        try:
            self._write(Bucket.PRIVATE, order.key, stream, meta, once=True, expected=order)
        except FileExistsError:
            raise
        except OSError as error:
            raise StorageUnavailable from error
        return _info(self.path(Bucket.PRIVATE, order.key), order.key)

    def copy(self, source: tuple[Bucket, str], target: tuple[Bucket, str], *, etag: str) -> None:
        """Copy the object with this ETag, and its type."""
        info = self.head(*source)
        with self._disk(), self._opened(*source, etag) as stream:
            self._write(*target, stream, {"content_type": info.content_type if info else ""}, once=False)

    def delete(self, bucket: Bucket, key: str) -> None:
        """Delete the object, then its meta file."""
        with self._disk():
            path = self.path(bucket, key)
            path.unlink(missing_ok=True)
            _meta_path(path).unlink(missing_ok=True)

    def list(self, bucket: Bucket, prefix: str, *, limit: int, after: str = "") -> list[ObjectInfo]:
        """Walk the folder; half-written files and meta files are no objects."""
        with self._disk():
            base = self.root / bucket.value
            keys = sorted(
                path.relative_to(base).as_posix()
                for path in base.rglob("*")
                if path.is_file() and not path.name.startswith(PARTIAL_PREFIX) and path.suffix != META_SUFFIX
            )
            chosen = [key for key in keys if key.startswith(prefix) and key > after][:limit]
            return [_info(self.path(bucket, key), key) for key in chosen]

    def partial_uploads(self, bucket: Bucket, prefix: str, *, limit: int) -> Sequence[PartialUpload]:
        """Find the half-written files of processes that ended in the middle; a file's name stands for the id."""
        with self._disk():
            base = self.root / bucket.value
            found = (
                PartialUpload(path.relative_to(base).as_posix(), path.name, _changed_at(path))
                for path in sorted(base.rglob(f"{PARTIAL_PREFIX}*"))
            )
            return [one for one in found if one.key.startswith(prefix)][:limit]

    def abort(self, bucket: Bucket, partial: PartialUpload) -> None:
        """Delete such a file. Raises `ValueError` for anything else."""
        if not PARTIAL_PATTERN.fullmatch(partial.key):
            raise ValueError("Not a half-written file of ours.")
        with self._disk():
            (self.root / bucket.value / partial.key).unlink(missing_ok=True)

    def problem(self) -> str:
        """Say so when the folder cannot be written."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except OSError:
            return "folder_not_writable"
        return "" if os.access(self.root, os.W_OK | os.X_OK) else "folder_not_writable"

    def path(self, bucket: Bucket, key: str) -> Path:
        """Where the object lies. Raises `ValueError` for a key that we could not have made."""
        if key.endswith(META_SUFFIX):
            raise ValueError("A meta file is no object.")
        return self.root / bucket.value / checked_key(key)

    @contextmanager
    def _disk(self) -> Iterator[None]:
        """A folder that is gone or no folder says nothing of its objects: they are not missing, the store is away."""
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            yield
        except OSError as error:
            raise StorageUnavailable from error

    @contextmanager
    def _opened(self, bucket: Bucket, key: str, etag: str) -> Iterator[BinaryIO]:
        path = self.path(bucket, key)
        if not path.is_file():
            raise ObjectMissingError
        if _read_meta(path).get("etag") != etag:
            raise ObjectChangedError
        with path.open("rb") as source:
            yield source

    def _write(
        self,
        bucket: Bucket,
        key: str,
        stream: BinaryIO,
        meta: dict[str, str],
        *,
        once: bool,
        expected: PutOrder | None = None,
    ) -> None:
        path = self.path(bucket, key)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=PARTIAL_PREFIX, dir=path.parent)
        partial = Path(name)
        try:
            with os.fdopen(handle, "wb") as target:
                size, digest = _copy_hashed(stream, target)
            if expected and (size, digest) != (expected.size, expected.sha256):
                raise ObjectChangedError
            # The meta file goes first: an object is complete as soon as it can be seen.
            _write_meta(path, meta | {"sha256": digest, "etag": digest})
            if once:
                os.link(partial, path)  # fails when the name is taken, which a rename would not
            else:
                partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def put_order(token: str) -> PutOrder:
    """Return the order of a signed PUT. Raises `signing.BadSignature`."""
    return PutOrder(**_open(token, PUT_SALT))


def read_order(token: str) -> ReadOrder:
    """Return the order of a signed GET. Raises `signing.BadSignature`."""
    values = _open(token, GET_SALT)
    return ReadOrder(**values | {"bucket": Bucket(values["bucket"])})


def checksum_matches(header: str, order: PutOrder) -> bool:
    """Whether the checksum header names the signed SHA-256."""
    try:
        return to_hex(header) == order.sha256
    except ValueError:
        return False


def _seal(order: PutOrder | ReadOrder, salt: str) -> str:
    return signing.dumps(asdict(order) | {"expires_at": order.expires_at.isoformat()}, salt=salt)


def _open(token: str, salt: str) -> dict[str, Any]:
    values: dict[str, Any] = signing.loads(token, salt=salt)
    values["expires_at"] = datetime.fromisoformat(values["expires_at"])
    return values


def _copy_hashed(stream: BinaryIO, target: BinaryIO) -> tuple[int, str]:
    size, digest = 0, hashlib.sha256()
    while chunk := stream.read(CHUNK_BYTES):
        size += len(chunk)
        digest.update(chunk)
        target.write(chunk)
    target.flush()
    os.fsync(target.fileno())
    return size, digest.hexdigest()


def _meta_path(path: Path) -> Path:
    return path.with_name(path.name + META_SUFFIX)


def _write_meta(path: Path, meta: dict[str, str]) -> None:
    handle, name = tempfile.mkstemp(prefix=PARTIAL_PREFIX, dir=path.parent)
    with os.fdopen(handle, "w", encoding="utf-8") as target:
        json.dump(meta, target)
    Path(name).replace(_meta_path(path))


def _read_meta(path: Path) -> dict[str, str]:
    try:
        meta: dict[str, str] = json.loads(_meta_path(path).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    return meta


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _info(path: Path, key: str) -> ObjectInfo:
    meta = _read_meta(path)
    return ObjectInfo(
        key=key,
        size=path.stat().st_size,
        content_type=meta.get("content_type", ""),
        etag=meta.get("etag", ""),
        modified_at=_changed_at(path),
        sha256=meta.get("sha256", ""),
        file_id=meta.get("file_id", ""),
    )
