"""Tries the configured store once, with small objects that are deleted again: the live check before a launch.

What the documentation of a store promises, and what no stand-in can prove of it, is asked of the store itself: that a
presigned URL binds what it was signed for, that conditions hold, that browsers of our front ends may send.
"""

import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from django.conf import settings
from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from uploads.actions import buckets
from uploads.actions.buckets import Outcome
from uploads.constants import READ_URL_TTL_SECONDS, UPLOAD_TTL_SECONDS, Bucket
from uploads.errors import StorageNotConfigured, StorageUnavailable
from uploads.storage import ObjectChangedError, ObjectMissingError, PutOrder, ReadOrder, Storage, get_storage, raw
from uploads.storage.base import UPLOAD_HEADERS, to_base64
from uploads.storage.raw import Reply
from uploads.storage.s3 import S3Storage

CONTENT, OTHER = b"tried by doctor", b"robbed by docto"
CONTENT_TYPE, WRONG_TYPE = "image/png", "image/jpeg"
OK, EXISTS = 200, 412
STRANGER = "https://stranger.invalid"
SHORT_SECONDS, BEYOND_SHORT_SECONDS = 1, 2.5


@dataclass(frozen=True)
class Trial:
    """One thing that was tried; `seen` says in a word what happened."""

    name: str
    ok: bool
    seen: str


@dataclass
class _Bench:
    """The store under trial, and the objects to clear away."""

    storage: Storage
    key: str = field(default_factory=lambda: f"quarantine/doctor/{uuid4()}")
    clean_key: str = field(default_factory=lambda: f"files/doctor/{uuid4()}.png")

    def order(self, content: bytes = CONTENT, *, seconds: int = UPLOAD_TTL_SECONDS) -> PutOrder:
        digest = hashlib.sha256(content).hexdigest()
        expires_at = db_now() + timedelta(seconds=seconds)
        return PutOrder(self.key, CONTENT_TYPE, len(content), digest, "doctor", expires_at, seconds)

    def url(self, method: str = "PUT") -> str:
        if method == "PUT":
            return self.storage.sign_put(self.order())
        expires_at = db_now() + timedelta(seconds=READ_URL_TTL_SECONDS)
        return self.storage.sign_get(
            ReadOrder(Bucket.PRIVATE, self.key, CONTENT_TYPE, expires_at, READ_URL_TTL_SECONDS, "doctor.png")
        )

    def etag(self) -> str:
        info = self.storage.head(Bucket.PRIVATE, self.key)
        return info.etag if info else ""

    def clear(self) -> None:
        for bucket, key in ((Bucket.PRIVATE, self.key), (Bucket.PUBLIC, self.clean_key)):
            with suppress(StorageUnavailable, StorageNotConfigured):
                self.storage.delete(bucket, key)


def attempt(*, by: Actor) -> list[Trial]:
    """Try everything that uploads rely on and return what was seen; nothing is left behind.

    A store that does not answer ends the list with a failed trial. Raises `StorageNotConfigured`.
    """
    bench = _Bench(get_storage())
    found: list[Trial] = []
    try:
        for trial in _trials(bench):
            found.append(trial)  # noqa: PERF402 - what was seen before a fault stays
    except StorageUnavailable as error:
        found.append(Trial("the store answers", ok=False, seen=type(error.__cause__ or error).__name__))
    finally:
        bench.clear()
    with transaction.atomic():
        record(action="bucket.tried", by=by, target=Target("uploads.bucket", settings.S3_BUCKET_NAME or "local"))
    return found


def _trials(bench: _Bench) -> Iterator[Trial]:
    yield from _own_objects(bench)
    if isinstance(bench.storage, S3Storage):  # the URLs of the local store lead to this very back end
        yield from _refusals(bench)
        yield from _accepted(bench)
        yield from _conditions(bench)
        yield from _outside(bench)
        yield from _settings(bench)


def _own_objects(bench: _Bench) -> Iterator[Trial]:
    storage, key = bench.storage, bench.key
    with TemporaryDirectory(prefix="doctor-") as folder:
        source = Path(folder) / "object"
        source.write_bytes(CONTENT)
        storage.put(Bucket.PRIVATE, key, source, content_type=CONTENT_TYPE)
    info, target = storage.head(Bucket.PRIVATE, key), BytesIO()
    yield Trial("an object can be written", ok=bool(info and info.size == len(CONTENT)), seen="")
    storage.get(Bucket.PRIVATE, key, target, etag=info.etag if info else "", limit=len(CONTENT))
    yield Trial("an object can be read", ok=target.getvalue() == CONTENT, seen="")
    listed = [one.key for one in storage.list(Bucket.PRIVATE, key, limit=1)]
    yield Trial("objects can be listed", ok=listed == [key], seen="")
    storage.delete(Bucket.PRIVATE, key)
    yield Trial("an object can be deleted", ok=storage.head(Bucket.PRIVATE, key) is None, seen="")


def _refusals(bench: _Bench) -> Iterator[Trial]:
    """Each wrong way to use a presigned PUT; afterwards there must be no object."""
    url, headers = bench.url(), bench.order().headers
    other_checksum = {**headers, "x-amz-checksum-sha256": to_base64(hashlib.sha256(OTHER).hexdigest())}
    wrong: list[tuple[str, Callable[[], Reply]]] = [
        ("another type", lambda: raw.send("PUT", url, CONTENT, {**headers, "Content-Type": WRONG_TYPE})),
        ("a longer body", lambda: raw.send("PUT", url, CONTENT + b"x", headers)),
        ("a shorter body", lambda: raw.send("PUT", url, CONTENT[:-1], headers)),
        ("another body", lambda: raw.send("PUT", url, OTHER, headers)),
        ("another checksum", lambda: raw.send("PUT", url, OTHER, other_checksum)),
        ("no checksum", lambda: raw.send("PUT", url, CONTENT, _without(headers, "x-amz-checksum-sha256"))),
        ("no condition", lambda: raw.send("PUT", url, CONTENT, _without(headers, "If-None-Match"))),
        ("another key", lambda: raw.send("PUT", url.replace(bench.key, f"{bench.key}x"), CONTENT, headers)),
        ("another file's id", lambda: raw.send("PUT", url.replace("=doctor", "=other"), CONTENT, headers)),
        ("a URL for reading", lambda: raw.send("PUT", bench.url("GET"), CONTENT, headers)),
        ("no signature", lambda: raw.send("PUT", url.partition("?")[0], CONTENT, headers)),
        ("a URL that ended", lambda: raw.send("PUT", _ended(bench), CONTENT, headers)),
    ]
    for name, attempt_it in wrong:
        reply = attempt_it()
        yield Trial(f"a presigned PUT refuses {name}", ok=reply.refused, seen=str(reply.status))
    nothing = bench.storage.head(Bucket.PRIVATE, bench.key) is None
    yield Trial("what was refused is not there", ok=nothing, seen="")


def _ended(bench: _Bench) -> str:
    url = bench.storage.sign_put(bench.order(seconds=SHORT_SECONDS))
    time.sleep(BEYOND_SHORT_SECONDS)
    return url


def _accepted(bench: _Bench) -> Iterator[Trial]:
    url, order = bench.url(), bench.order()
    reply = raw.send("PUT", url, CONTENT, order.headers)
    info = bench.storage.head(Bucket.PRIVATE, bench.key)
    as_signed = bool(info and (info.size, info.content_type) == (len(CONTENT), CONTENT_TYPE))
    yield Trial("a presigned PUT is taken as signed", ok=reply.status == OK and as_signed, seen=str(reply.status))
    # Confirming does without these two: the key names the row, and processing hashes the bytes.
    for name, told in (("file's id", info and info.file_id == "doctor"), ("checksum", info and info.sha256)):
        yield Trial(f"the {name} is told", ok=True, seen="yes" if told else "no, and not needed")
    again = raw.send("PUT", url, CONTENT, order.headers)
    yield Trial("a second PUT changes nothing", ok=again.status == EXISTS, seen=str(again.status))
    for method in ("GET", "DELETE"):
        reply = raw.send(method, url)
        yield Trial(f"a presigned PUT refuses {method}", ok=reply.refused, seen=str(reply.status))
    got = raw.send("GET", bench.url("GET"))
    ours = got.headers.get("content-disposition", "").startswith("attachment") and got.body == CONTENT
    yield Trial("a presigned GET downloads", ok=got.status == OK and ours, seen=str(got.status))
    stranger = raw.send("GET", bench.url("GET").partition("?")[0])
    yield Trial("strangers read nothing private", ok=stranger.refused, seen=str(stranger.status))


def _conditions(bench: _Bench) -> Iterator[Trial]:
    storage, pair = bench.storage, ((Bucket.PRIVATE, bench.key), (Bucket.PUBLIC, bench.clean_key))
    read = _outcome(lambda: storage.read_range(Bucket.PRIVATE, bench.key, length=1, etag='"other"'))
    yield Trial("reading is bound to the ETag", ok=read == "changed", seen=read)
    copied = _outcome(lambda: storage.copy(*pair, etag='"other"'))
    yield Trial("copying is bound to the ETag", ok=copied == "changed", seen=copied)
    storage.copy(*pair, etag=bench.etag())
    copy = storage.head(Bucket.PUBLIC, bench.clean_key)
    kept = bool(copy and (copy.size, copy.content_type) == (len(CONTENT), CONTENT_TYPE))
    yield Trial("an object can be copied into the public bucket", ok=kept, seen="")
    storage.partial_uploads(Bucket.PRIVATE, "", limit=1)
    yield Trial("uploads in parts can be listed", ok=True, seen="")


def _outcome(call: Callable[[], object]) -> str:
    try:
        call()
    except ObjectChangedError:
        return "changed"
    except ObjectMissingError:
        return "missing"
    return "done"


def _outside(bench: _Bench) -> Iterator[Trial]:
    """What visitors and browsers see."""
    shown = raw.send("GET", f"{settings.MEDIA_BASE_URL}/{bench.clean_key}")
    caching = shown.headers.get("cache-control", "nothing")
    right = (shown.status, shown.headers.get("content-type"), shown.body) == (OK, CONTENT_TYPE, CONTENT)
    yield Trial("MEDIA_BASE_URL shows public objects", ok=right, seen=str(shown.status))
    yield Trial("public objects may be cached for ever", ok="immutable" in caching, seen=caching)
    url = bench.url()
    for origin in settings.CORS_ALLOWED_ORIGINS:
        allowed = _preflight(url, origin)
        yield Trial(f"pages of {origin} may send", ok=allowed == origin, seen=allowed or "refused")
    stranger = _preflight(url, STRANGER)
    yield Trial("pages of strangers may not", ok=not stranger, seen=stranger or "refused")


def _preflight(url: str, origin: str) -> str:
    """Ask as a browser does, and return the origin that the store allows."""
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": ",".join(sorted(UPLOAD_HEADERS)),
    }
    reply = raw.send("OPTIONS", url, headers=asked)
    return reply.headers.get("access-control-allow-origin", "") if not reply.refused else ""


def _settings(bench: _Bench) -> Iterator[Trial]:
    for one in buckets.configure(by=Actor.operator(), dry_run=True):
        for name, outcome in (("CORS", one.cors), ("lifecycle", one.lifecycle)):
            unknown = outcome is Outcome.NOT_ALLOWED
            seen = "unknown: the key may not read it" if unknown else str(outcome)
            yield Trial(f"{name} of {one.name}", ok=outcome is Outcome.SAME or unknown, seen=seen)


def _without(headers: dict[str, str], name: str) -> dict[str, str]:
    return {key: value for key, value in headers.items() if key != name}
