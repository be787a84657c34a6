"""Both stores behind one face, so that one class of tests holds them to one contract."""

from collections.abc import Callable
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import requests
from django.test import Client

from common import clock
from devkit.s3.fixture import S3Process
from uploads.storage import Storage, get_storage
from uploads.storage.local import LocalStorage
from uploads.storage.s3 import S3Storage
from uploads.tests.factories import path_of

Headers = dict[str, str]
TIMEOUT_SECONDS = 5


@dataclass
class Stand:
    """A store with the ways of the outside world to it: a client of its URLs, time that passes, a fault."""

    storage: Storage
    send: Callable[..., Any]
    later: Callable[[int], AbstractContextManager[None]]
    away: Callable[[bool], None]
    begin_parts: Callable[[str], None]


def use_gate(settings: Any, gate: S3Process) -> S3Storage:
    """Make the stand-in of S3 the configured store."""
    for name, value in gate.environment.items():
        setattr(settings, name, value)
    storage = get_storage()
    assert isinstance(storage, S3Storage)
    return storage


def s3_stand(settings: Any, gate: S3Process) -> Stand:
    storage = use_gate(settings, gate)

    @contextmanager
    def later(seconds: int) -> Any:
        gate.control(clock_offset_s=seconds)
        yield
        gate.control(clock_offset_s=0)

    def send(method: str, url: str, content: bytes = b"", headers: Headers | None = None) -> Any:
        return requests.request(method, url, data=content, headers=headers, timeout=TIMEOUT_SECONDS)

    def away(is_away: bool) -> None:
        gate.control(away=is_away)

    def begin_parts(key: str) -> None:
        storage.client.create_multipart_upload(Bucket="studio-private", Key=key)

    return Stand(storage, send, later, away, begin_parts)


def local_stand(settings: Any, storage: LocalStorage) -> Stand:
    folder = storage.root

    def send(method: str, url: str, content: bytes = b"", headers: Headers | None = None) -> Any:
        sent = dict(headers or {})
        content_type = sent.pop("Content-Type", "")
        answer: Any = Client().generic(method, path_of(url), content, content_type, headers=sent)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content
        return SimpleNamespace(status_code=answer.status_code, headers=answer.headers, content=body)

    def away(is_away: bool) -> None:
        """A file where the folder of the buckets should be."""
        storage.root = settings.MEDIA_ROOT = Path(__file__) if is_away else folder

    def begin_parts(key: str) -> None:
        path = storage.root / "private" / Path(key).parent / ".partial-abc123"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")

    return Stand(storage, send, clock.shift, away, begin_parts)


def both(request: Any, settings: Any) -> Stand:
    """The stand that a fixture with the parameters `local` and `s3` wants."""
    if request.param == "local":
        return local_stand(settings, request.getfixturevalue("store"))
    return s3_stand(settings, request.getfixturevalue("s3_gate"))
