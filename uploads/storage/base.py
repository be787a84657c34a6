"""What a store of objects can do, whichever one it is."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import BinaryIO, Protocol
from urllib.parse import quote

from uploads.constants import Bucket

UPLOAD_HEADERS = ("content-type", "x-amz-checksum-sha256", "if-none-match")
"""What a browser has to send besides the length, and so what its preflight asks for."""
CORS_MAX_AGE_SECONDS = 600
KEY_PATTERN = re.compile(r"[a-z0-9]+(?:[/._-][a-z0-9]+)*")


class ObjectMissingError(Exception):
    """There is no object under this key."""


class ObjectChangedError(Exception):
    """The object is not the one whose ETag the caller knows, or is longer than the caller allows."""


class NotAllowedError(Exception):
    """The key may not read or change the settings of a bucket, or the store has no such setting."""


@dataclass(frozen=True)
class ObjectInfo:
    """What a store says about an object; `sha256` (hex) and `file_id` are empty when it does not say."""

    key: str
    size: int
    content_type: str
    etag: str
    modified_at: datetime
    sha256: str = ""
    file_id: str = ""


@dataclass(frozen=True)
class PartialUpload:
    """A multipart upload that somebody began and has not ended; its parts cost room and no listing shows them."""

    key: str
    upload_id: str
    begun_at: datetime


@dataclass(frozen=True)
class PutOrder:
    """The one object that a signed URL may write, once; `sha256` is in hex."""

    key: str
    content_type: str
    size: int
    sha256: str
    file_id: str
    expires_at: datetime
    ttl_seconds: int

    @property
    def headers(self) -> dict[str, str]:
        """The headers that the client has to send; the browser adds Content-Length itself."""
        return {
            "Content-Type": self.content_type,
            "x-amz-checksum-sha256": to_base64(self.sha256),
            "If-None-Match": "*",
        }


@dataclass(frozen=True)
class ReadOrder:
    """One object that a signed URL may read; `filename` makes it a download instead of an inline image."""

    bucket: Bucket
    key: str
    content_type: str
    expires_at: datetime
    ttl_seconds: int
    filename: str = ""


class Storage(Protocol):
    """A store with a private and a public bucket.

    Every method that talks to the store raises `StorageUnavailable` when it does not answer, and
    `StorageNotConfigured` when the bucket is not set.
    """

    def require(self, bucket: Bucket) -> None:
        """Raise `StorageNotConfigured` unless the bucket is set; no network."""

    def sign_put(self, order: PutOrder) -> str:
        """Return a URL that writes exactly this object into the private bucket; no network."""

    def sign_get(self, order: ReadOrder) -> str:
        """Return a URL that reads this object; no network."""

    def head(self, bucket: Bucket, key: str) -> ObjectInfo | None:
        """Return what the store knows of the object, or None."""

    def read_range(self, bucket: Bucket, key: str, *, length: int, etag: str) -> bytes:
        """Return the first `length` bytes. Raises `ObjectMissingError`, or `ObjectChangedError` for another ETag."""

    def get(self, bucket: Bucket, key: str, target: BinaryIO, *, etag: str, limit: int) -> None:
        """Write the object into `target`. Raises as `read_range`, and `ObjectChangedError` beyond `limit` bytes."""

    def put(self, bucket: Bucket, key: str, source: Path, *, content_type: str) -> None:
        """Write a file of ours, over what is there; caching and disposition follow from the bucket."""

    def copy(self, source: tuple[Bucket, str], target: tuple[Bucket, str], *, etag: str) -> None:
        """Copy inside the store, with the type; what goes for `put` goes for the copy.

        Raises `ObjectMissingError`, and `ObjectChangedError` when the source has another ETag.
        """

    def delete(self, bucket: Bucket, key: str) -> None:
        """Delete the object; one that is not there is no error."""

    def list(self, bucket: Bucket, prefix: str, *, limit: int, after: str = "") -> Sequence[ObjectInfo]:
        """Return at most `limit` objects under `prefix`, ordered by key, from the first key beyond `after` on."""

    def partial_uploads(self, bucket: Bucket, prefix: str, *, limit: int) -> Sequence[PartialUpload]:
        """Return at most `limit` multipart uploads under `prefix` that were begun and not ended."""

    def abort(self, bucket: Bucket, partial: PartialUpload) -> None:
        """Give a multipart upload up with its parts; one that is not there is no error."""

    def problem(self) -> str:
        """Return what is wrong with the store in a word, or nothing; it asks the store."""


def to_base64(sha256_hex: str) -> str:
    """The form of a checksum in S3's headers."""
    return base64.b64encode(bytes.fromhex(sha256_hex)).decode()


def to_hex(sha256_base64: str) -> str:
    """The form of a checksum in our rows; empty for none and for the composite ones of multipart uploads."""
    if not sha256_base64 or "-" in sha256_base64:
        return ""
    return base64.b64decode(sha256_base64).hex()


def checked_key(key: str) -> str:
    """Return the key if it is one that we could have made. Raises `ValueError`."""
    if len(key) > 200 or not KEY_PATTERN.fullmatch(key):
        raise ValueError("Not a key of ours.")
    return key


def disposition(filename: str) -> str:
    """A Content-Disposition that downloads under this name (RFC 6266, percent-encoded), or shows what has none."""
    return f"attachment; filename*=UTF-8''{quote(filename, safe='')}" if filename else "inline"
