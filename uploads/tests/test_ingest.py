"""Files that the server brings in by itself."""

from typing import Any

import pytest

from audit.models import AuditEvent
from common.actor import Actor
from common.errors import NotFound
from uploads import selectors
from uploads.actions import ingest
from uploads.constants import Bucket
from uploads.errors import ContentRefused, ContentTypeNotAllowed, FileTooLarge
from uploads.models import File
from uploads.storage.local import LocalStorage
from uploads.tests.factories import arrived, pdf, picture

pytestmark = pytest.mark.django_db
BY = Actor.operator()


def bring(content: bytes, **changes: Any) -> File:
    values = {"filename": "cover.png", "content_type": "image/png", "purpose": "image"} | changes
    return ingest(content=content, by=BY, **values)


def test_an_image_is_ready_at_once(settings: Any, store: LocalStorage) -> None:
    settings.MEDIA_BASE_URL = "https://media.example.com"
    content = picture((900, 600))
    file = bring(content)
    stored = File.objects.get()
    assert stored == selectors.ready_file(file.pk) == file
    assert (stored.state, stored.width, stored.height, stored.observed_size) == ("ready", 900, 600, len(content))
    assert (stored.owner_kind, stored.quarantine_key) == ("operator", "")
    assert stored.color.startswith("#")
    assert stored.blur_data_url.startswith("data:image/webp;base64,")
    folder = "https://media.example.com/" + stored.clean_key.removesuffix("original.png")
    assert selectors.public_url(stored) == f"{folder}original.png"
    assert selectors.variants(stored) == [
        selectors.Variant(320, 213, "image/webp", f"{folder}320.webp"),
        selectors.Variant(800, 533, "image/webp", f"{folder}800.webp"),
        selectors.Variant(900, 600, "image/webp", f"{folder}900.webp"),
    ]
    assert len(store.list(Bucket.PUBLIC, "files/", limit=10)) == 4
    assert list(AuditEvent.objects.values_list("action", flat=True)) == ["file.ingested"]


def test_a_document_is_private(store: LocalStorage) -> None:
    file = bring(pdf(), filename="terms.pdf", content_type="application/pdf", purpose="document")
    assert selectors.public_url(file) == ""
    assert selectors.variants(file) == []
    assert store.path(Bucket.PRIVATE, file.clean_key).read_bytes() == pdf()
    assert store.list(Bucket.PUBLIC, "", limit=10) == []


@pytest.mark.parametrize(
    ("content", "changes", "error"),
    [
        (b"<svg/>", {"content_type": "image/svg+xml"}, ContentTypeNotAllowed),
        (b"x" * (25 * 1024 * 1024 + 1), {}, FileTooLarge),
        (b"<html>", {}, ContentRefused),
        (picture()[:50], {}, ContentRefused),
    ],
)
def test_refusals_leave_nothing(content: bytes, changes: Any, error: type[Exception], store: LocalStorage) -> None:
    with pytest.raises(error):
        bring(content, **changes)
    assert File.objects.count() == 0
    assert AuditEvent.objects.count() == 0
    assert store.list(Bucket.PUBLIC, "", limit=10) == []


def test_too_many_pixels_are_refused(settings: Any) -> None:
    settings.UPLOAD_MAX_PIXELS = 100
    with pytest.raises(ContentRefused) as caught:
        bring(picture((11, 10)))
    assert caught.value.members == {"reason": "too_many_pixels"}
    assert File.objects.count() == 0


def test_only_ready_files_are_ready() -> None:
    file = arrived(picture())
    with pytest.raises(NotFound):
        selectors.ready_file(file.pk)
    assert selectors.public_url(file) == ""
    assert selectors.variants(file) == []


def test_failed_files_wait_for_a_person() -> None:
    arrived(picture(), state="failed", reason="attempts_spent")
    arrived(picture())
    assert File.objects.filter(state="failed").count() == 1
