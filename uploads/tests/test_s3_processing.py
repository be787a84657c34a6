"""The same work against the stand-in of S3: what the objects are served with, and the sweeps over its listings."""

import hashlib
from datetime import timedelta
from typing import Any
from unittest import mock

import pytest
import requests
from django.db import transaction

from common.actor import Actor
from common.clock import db_now, shift
from devkit.s3.fixture import S3Process
from jobs.testing import run_due
from uploads.actions import ingest, processing, reconciliation, storekeeping
from uploads.constants import Bucket
from uploads.models import File
from uploads.storage.s3 import S3Storage
from uploads.tests import hostile
from uploads.tests.factories import picture, staff_client
from uploads.tests.stores import use_gate

pytestmark = pytest.mark.django_db
BY = Actor.system("tests")
TIMEOUT_SECONDS = 5


@pytest.fixture
def s3(settings: Any, s3_gate: S3Process) -> S3Storage:
    return use_gate(settings, s3_gate)


def upload(content: bytes, content_type: str, purpose: str) -> File:
    """As a browser does it, and the job."""
    client = staff_client()
    body = {
        "purpose": purpose,
        "filename": "own.name",
        "content_type": content_type,
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    }
    signed = client.post("/api/uploads/sign", body).json()
    order = signed["upload"]
    assert (
        requests.put(order["url"], data=content, headers=order["headers"], timeout=TIMEOUT_SECONDS).status_code == 200
    )
    assert client.post("/api/uploads/confirm", {"file_id": signed["file_id"]}).status_code == 200
    run_due()
    return File.objects.get(pk=signed["file_id"])


def served_with(s3: S3Storage, bucket: Bucket, key: str) -> tuple[str, str, str]:
    found = s3.client.head_object(Bucket=s3.buckets[bucket], Key=key)
    return found["ContentType"], found["CacheControl"], found["ContentDisposition"]


def keys(s3: S3Storage, bucket: Bucket) -> list[str]:
    return [info.key for info in s3.list(bucket, "", limit=100)]


def test_images_are_immutable_and_inline(s3: S3Storage) -> None:
    file = upload(hostile.telling("JPEG"), "image/jpeg", "image")
    assert (file.state, file.reason) == ("ready", "")
    immutable = "public, max-age=31536000, immutable"
    assert served_with(s3, Bucket.PUBLIC, file.clean_key) == ("image/jpeg", immutable, "inline")
    assert served_with(s3, Bucket.PUBLIC, file.thumbnails[0]["key"]) == ("image/webp", immutable, "inline")
    assert keys(s3, Bucket.PRIVATE) == []
    for key in keys(s3, Bucket.PUBLIC):
        body = s3.client.get_object(Bucket=s3.buckets[Bucket.PUBLIC], Key=key)["Body"].read()
        assert [word for word in (b"secret", b"GPS", b"Exif\0\0") if word in body] == []


def test_documents_only_download(s3: S3Storage) -> None:
    content = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
    file = upload(content, "application/pdf", "document")
    assert file.state == "ready"
    assert served_with(s3, Bucket.PRIVATE, file.clean_key) == ("application/pdf", "private, no-store", "attachment")
    assert keys(s3, Bucket.PUBLIC) == []
    download = staff_client().get(f"/api/files/{file.pk}/download")
    answer = requests.get(download["Location"], timeout=TIMEOUT_SECONDS)
    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["Content-Disposition"].startswith("attachment; filename*=UTF-8''")


def test_bytes_that_changed_after_confirm_are_not_served(s3: S3Storage) -> None:
    with mock.patch("uploads.actions.processing.process"):
        file = upload(picture(), "image/png", "image")
    s3.client.put_object(Bucket=s3.buckets[Bucket.PRIVATE], Key=file.quarantine_key, Body=picture(color=(0, 0, 0)))
    File.objects.filter(pk=file.pk).update(state="uploaded")
    processing.process(file_id=file.pk, effects=transaction.atomic, by=BY)
    file.refresh_from_db()
    assert (file.state, file.reason) == ("rejected", "object_changed")
    assert (keys(s3, Bucket.PRIVATE), keys(s3, Bucket.PUBLIC)) == ([], [])


def test_the_sweeps_see_the_same_through_its_listings(s3: S3Storage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconciliation, "OBJECTS_A_PASS", 2)
    files = [
        ingest(content=picture(), filename="a.png", content_type="image/png", purpose="image", by=BY) for _ in range(3)
    ]
    s3.delete(Bucket.PUBLIC, files[1].clean_key)
    public, private = s3.buckets[Bucket.PUBLIC], s3.buckets[Bucket.PRIVATE]
    s3.client.put_object(Bucket=public, Key="files/0000/original.png", Body=b"x")
    s3.client.put_object(Bucket=private, Key="quarantine/2026/11/nobody", Body=b"x")
    s3.client.create_multipart_upload(Bucket=private, Key="quarantine/2026/11/parts")
    with shift(25 * 3600):
        report = storekeeping.reconcile(by=BY, dry_run=False, progress=lambda name, count: None)
        again = storekeeping.reconcile(by=BY, dry_run=False, progress=lambda name, count: None)
    assert {(one.kind.value, one.ref, one.action) for one in report.findings} == {
        ("leftover", "quarantine/2026/11/nobody", "deleted"),
        ("partial", "private/quarantine/2026/11/parts", "aborted"),
        ("stray", "public/files/0000/original.png", "reported"),
        ("missing", str(files[1].pk), "marked"),
    }
    assert {one.kind.value for one in again.findings} == {"stray", "missing"}
    assert s3.partial_uploads(Bucket.PRIVATE, "", limit=9) == []
    assert keys(s3, Bucket.PRIVATE) == []


def test_a_store_that_is_away_leaves_the_report_incomplete(s3: S3Storage, s3_gate: S3Process) -> None:
    now = db_now()
    File.objects.create(
        owner_kind="system", purpose="image", name="a", declared_type="image/png", declared_size=1,
        declared_sha256="0" * 64, quarantine_key="quarantine/2026/11/a", created_at=now - timedelta(hours=2),
        expires_at=now - timedelta(hours=1),
    )  # fmt: skip
    s3_gate.control(away=True)
    report = storekeeping.reconcile(by=BY, dry_run=False, progress=lambda name, count: None)
    s3_gate.control(away=False)
    assert report.exit_code == 4
    assert "unconfirmed: storage_unavailable" in report.errors
    assert File.objects.get().state == "pending"
