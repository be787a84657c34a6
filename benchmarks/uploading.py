"""What `benchmarks.uploads` measures inside a Django process of its own."""

import json
import secrets
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from django.conf import settings

from accounts.tests.factories import make_roles, make_user
from common.actor import Actor, ActorKind
from common.clock import db_now
from uploads.actions import signatures
from uploads.constants import (
    DECODE_CPU_SECONDS,
    DECODE_MEMORY_BYTES,
    THUMBNAIL_WIDTHS,
    UPLOAD_TTL_SECONDS,
    Purpose,
    State,
)
from uploads.decode import Order
from uploads.decoding import PROGRAM, decode_apart
from uploads.models import File
from uploads.storage import PutOrder, get_storage
from uploads.storage.base import to_base64
from uploads.storage.s3 import S3Storage

TYPES = {"JPEG": "image/jpeg", "PNG": "image/png"}
SIZE = 3_000_000
WARM_UPS = 5
TURNS = 15


def measure(*, seconds: float, backwards: bool) -> None:
    """Print the signatures a second of each subject as JSON; they take turns, so that a slow second hits all."""
    acts: dict[str, Callable[[], object]] = {"boto3 alone": _boto3(), "sign_put": _adapter(), "sign": _action()}
    names = list(reversed(acts)) if backwards else list(acts)
    for name in names:
        for _ in range(WARM_UPS):
            acts[name]()
    taken, count = dict.fromkeys(names, 0.0), 0
    while max(taken.values()) < seconds:
        for name in names:
            File.objects.filter(state=State.PENDING).update(state=State.EXPIRED)  # nobody has more than 20 waiting
            began = time.perf_counter()
            for _ in range(TURNS):
                acts[name]()
            taken[name] += time.perf_counter() - began
        count += TURNS
    print(json.dumps({name: count / took for name, took in taken.items()}))


def decode(source: str, kind: str) -> None:
    """Print the seconds from the start of the decoder's process to its verdict, and the peak of another such one."""
    with TemporaryDirectory(prefix="bench-ours-") as folder:
        order = Order(source, folder, TYPES[kind], settings.UPLOAD_MAX_PIXELS, THUMBNAIL_WIDTHS)
        began = time.perf_counter()
        decoded = decode_apart(order)
        took = time.perf_counter() - began
        if len(decoded.thumbnails) != len(THUMBNAIL_WIDTHS) or not Path(folder, decoded.original).is_file():
            raise RuntimeError(f"The decoder made {decoded}.")
        print(json.dumps({"seconds": took, "peak_mb": _peak(order)}))


def _peak(order: Order) -> float:
    """The same program under the same limits, which says at its end what it took; in MB."""
    message = {"order": asdict(order), "memory_bytes": DECODE_MEMORY_BYTES, "seconds": DECODE_CPU_SECONDS}
    code = (
        f"import re, runpy, sys; runpy.run_path({str(PROGRAM)!r}, run_name='__main__');"
        "sys.stderr.write(re.search(r'VmHWM:\\s+(\\d+)', open('/proc/self/status').read())[1])"
    )
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], input=json.dumps(message), capture_output=True, text=True, check=True
    )
    return int(done.stderr) * 1024 / 1e6


def _boto3() -> Callable[[], object]:
    storage = _s3()

    def sign() -> object:
        return storage.signer.generate_presigned_url(
            "put_object",
            Params={
                "Bucket": settings.S3_BUCKET_NAME,
                "Key": _key(),
                "ContentType": "image/png",
                "ContentLength": SIZE,
                "ChecksumSHA256": to_base64(secrets.token_hex(32)),
                "IfNoneMatch": "*",
                "Metadata": {"file-id": "bench"},
            },
            ExpiresIn=UPLOAD_TTL_SECONDS,
        )

    return sign


def _adapter() -> Callable[[], object]:
    storage = _s3()

    expires_at = db_now() + timedelta(seconds=UPLOAD_TTL_SECONDS)

    def sign() -> object:
        order = PutOrder(_key(), "image/png", SIZE, secrets.token_hex(32), "bench", expires_at, UPLOAD_TTL_SECONDS)
        return storage.sign_put(order)

    return sign


def _action() -> Callable[[], object]:
    """A member of staff who may bring images; the right, the quota, the row and the audit event are in the figure."""
    make_roles()
    user = make_user(f"bench-{time.time_ns()}@example.com")
    by = Actor(kind=ActorKind.STAFF, id=str(user.pk), label=user.email)

    def sign() -> object:
        claim = signatures.Claim(Purpose.IMAGE, "photograph.png", "image/png", SIZE, secrets.token_hex(32))
        return signatures.sign(claim=claim, by=by)

    return sign


def _key() -> str:
    return f"quarantine/2026/11/{uuid4()}"


def _s3() -> S3Storage:
    storage = get_storage()
    if not isinstance(storage, S3Storage):
        raise TypeError("The benchmark signs for S3.")
    return storage
