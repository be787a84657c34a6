"""The cases of an upload from sign to download, over HTTP, with either store."""

import logging
import uuid
from contextlib import AbstractContextManager, ExitStack, contextmanager
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from PIL import Image

from audit.models import AuditEvent
from common import clock
from common.actor import Actor
from idempotency.models import StoredAnswer
from jobs.models import Job
from jobs.testing import run_due
from uploads.actions import sweeps
from uploads.constants import Bucket
from uploads.models import File
from uploads.storage import get_storage
from uploads.tests.factories import Bookings, claim, customer_client, pdf, photograph, picture, sign, staff_client
from uploads.tests.stores import Stand, both

pytestmark = pytest.mark.django_db
CONFIRM = "/api/uploads/confirm"
LIFE_SECONDS, GRACE_SECONDS = 600, 660


@pytest.fixture(params=["local", "s3"])
def stand(request: pytest.FixtureRequest, settings: Any) -> Stand:
    return both(request, settings)


@contextmanager
def later(stand: Stand, seconds: int) -> Any:
    """Time passes for this back end and for its store."""
    with ExitStack() as stack:
        stack.enter_context(clock.shift(seconds))
        if stand.later is not clock.shift:
            stack.enter_context(stand.later(seconds))
        yield


def send(stand: Stand, signed: dict[str, Any], content: bytes, **changes: str | None) -> int:
    """PUT with the headers of the answer, some of them changed or left out."""
    merged = {**signed["upload"]["headers"], **changes}
    headers = {name: value for name, value in merged.items() if value is not None}
    return int(stand.send("PUT", signed["upload"]["url"], content, headers).status_code)


def problem(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def ready(stand: Stand, client: Any, content: bytes, **changes: Any) -> dict[str, Any]:
    """Sign, send, confirm and process; the answer of sign."""
    signed = sign(client, content, **changes)
    assert send(stand, signed, content) == 200
    assert client.post(CONFIRM, {"file_id": signed["file_id"]}).status_code == 200
    run_due()
    assert File.objects.get(pk=signed["file_id"]).state == "ready"
    return signed


def untouched(file_id: str) -> bool:
    """Whether the file still waits for its bytes, and nothing has happened to it."""
    file = File.objects.get(pk=file_id)
    return (file.state, file.version) == ("pending", 1) and not Job.objects.exists()


def test_what_a_signature_binds(stand: Stand) -> None:
    signed = sign(staff_client(), picture())
    file, upload = File.objects.get(), signed["upload"]
    assert sorted(upload) == ["expires_at", "headers", "method", "url"]
    assert sorted(upload["headers"]) == ["Content-Type", "If-None-Match", "x-amz-checksum-sha256"]
    folder, year, month, name = file.quarantine_key.split("/")
    assert (folder, f"{year}-{month}") == ("quarantine", f"{file.created_at:%Y-%m}")
    assert uuid.UUID(name).version == 4
    assert "holiday" not in upload["url"]
    query = parse_qs(urlsplit(upload["url"]).query)
    if query:
        assert set(query["X-Amz-SignedHeaders"][0].split(";")) == {
            "content-length", "content-type", "host", "if-none-match", "x-amz-checksum-sha256",
        }  # fmt: skip
        assert query["x-amz-meta-file-id"] == [signed["file_id"]]
        assert 590 <= int(query["X-Amz-Expires"][0]) <= LIFE_SECONDS


@pytest.mark.parametrize(
    ("content", "changes"),
    [
        (picture(), {"Content-Type": "text/html"}),
        (picture(), {"x-amz-checksum-sha256": None}),
        (picture(), {"If-None-Match": None}),
        (picture() + b"x", {}),
        (picture()[:-1], {}),
    ],
    ids=["type", "no-checksum", "no-condition", "longer", "shorter"],
)
def test_a_put_that_is_not_the_signed_one(stand: Stand, content: bytes, changes: dict[str, str | None]) -> None:
    client = staff_client()
    signed = sign(client, picture())
    assert send(stand, signed, content, **changes) == 403
    assert problem(client.post(CONFIRM, {"file_id": signed["file_id"]})) == (409, "upload_missing")
    assert untouched(signed["file_id"])
    assert send(stand, signed, picture()) == 200
    assert client.post(CONFIRM, {"file_id": signed["file_id"]}).status_code == 200


def test_too_late(stand: Stand) -> None:
    client = staff_client()
    signed = sign(client, pdf(), purpose="document", content_type="application/pdf")
    with later(stand, LIFE_SECONDS + 1):
        assert send(stand, signed, pdf()) == 403
        assert problem(client.post(CONFIRM, {"file_id": signed["file_id"]})) == (409, "upload_missing")
    with later(stand, GRACE_SECONDS + 1):
        assert problem(client.post(CONFIRM, {"file_id": signed["file_id"]})) == (410, "upload_expired")
        assert untouched(signed["file_id"])
    with later(stand, LIFE_SECONDS + 200):
        sweeps.expire(by=Actor.system("test"))
        assert problem(client.post(CONFIRM, {"file_id": signed["file_id"]})) == (410, "upload_expired")
    assert File.objects.get().state == "expired"


def test_bytes_that_came_in_time_may_be_confirmed_in_the_grace(stand: Stand) -> None:
    client, content = staff_client(), picture()
    signed = sign(client, content)
    assert send(stand, signed, content) == 200
    with later(stand, GRACE_SECONDS - 5):
        assert client.post(CONFIRM, {"file_id": signed["file_id"]}).json()["state"] == "uploaded"


def test_the_first_bytes_stay(stand: Stand) -> None:
    client, first, second = staff_client(), picture(color=(1, 2, 3)), picture(color=(3, 2, 1))
    assert len(first) == len(second)
    signed = sign(client, first)
    assert send(stand, signed, first) == 200
    assert send(stand, signed, first) == 412
    assert send(stand, signed, second) in {400, 412}
    key = File.objects.get().quarantine_key
    etag = get_storage().head(Bucket.PRIVATE, key).etag  # type: ignore[union-attr]
    assert get_storage().read_range(Bucket.PRIVATE, key, length=len(first), etag=etag) == first


def test_a_put_after_ready_changes_nothing_that_is_served(stand: Stand) -> None:
    client, content = staff_client(), picture((700, 500))
    signed = ready(stand, client, content)
    file = File.objects.get()
    before = bytes_of(file)
    assert send(stand, signed, content) == 200  # quarantine was emptied, so the URL works until it ends
    assert client.post(CONFIRM, {"file_id": signed["file_id"]}).json()["state"] == "ready"
    assert run_due() == 0
    assert bytes_of(file) == before
    file.refresh_from_db()
    assert (file.state, file.version) == ("ready", 4)


@pytest.mark.parametrize(
    "content",
    [b"<html><script>alert(1)</script></html>", b'<svg xmlns="http://www.w3.org/2000/svg"/>', pdf(), b"\x00" * 40],
    ids=["html", "svg", "pdf", "nothing"],
)
def test_what_only_calls_itself_a_picture(stand: Stand, content: bytes) -> None:
    client = staff_client()
    signed = sign(client, content)
    assert send(stand, signed, content) == 200
    assert problem(client.post(CONFIRM, {"file_id": signed["file_id"]})) == (422, "type_mismatch")
    file = File.objects.get()
    assert (file.state, file.reason, file.version) == ("rejected", "type_mismatch", 2)
    assert get_storage().head(Bucket.PRIVATE, file.quarantine_key) is None
    assert not Job.objects.exists()
    assert AuditEvent.objects.filter(action="file.rejected").count() == 1
    assert problem(client.post(CONFIRM, {"file_id": signed["file_id"]})) == (409, "invalid_state")


def test_a_store_that_is_away(stand: Stand, request: pytest.FixtureRequest, settings: Any) -> None:
    client, content = staff_client(), picture()
    signed = sign(client, content)
    assert send(stand, signed, content) == 200
    with away(request, settings):
        refused = client.post(CONFIRM, {"file_id": signed["file_id"]})
        assert problem(refused) == (503, "storage_unavailable")
        assert int(refused["Retry-After"]) >= 1
        assert untouched(signed["file_id"])
        assert sign(client, content)["state"] == "pending"  # a signature needs no store
    assert client.post(CONFIRM, {"file_id": signed["file_id"]}).status_code == 200


def test_a_photograph_loses_where_it_was_taken(stand: Stand) -> None:
    client = staff_client()
    ready(stand, client, photograph(), content_type="image/jpeg", filename="home.jpg")
    file = File.objects.get()
    assert (file.width, file.height) == (40, 60)
    for content in bytes_of(file):
        image = Image.open(BytesIO(content))
        assert image.height > image.width
        assert not image.getexif()
        assert b"shot at home" not in content


def test_a_private_picture_opens_for_a_minute(stand: Stand, bookings: Bookings) -> None:
    booking = uuid.uuid4()
    client = customer_client(booking)
    signed = ready(stand, client, picture((400, 300)), purpose="booking_attachment", booking_id=str(booking))
    shown = client.get(f"/api/files/{signed['file_id']}")
    assert [one["width"] for one in shown.json()["thumbnails"]] == [320, 400]
    url = shown.json()["thumbnails"][0]["url"]
    seen = stand.send("GET", url)
    assert (seen.status_code, seen.headers["Content-Type"]) == (200, "image/webp")
    assert seen.headers["Cache-Control"] == "private, no-store"
    answer = client.get(f"/api/files/{signed['file_id']}/download")
    taken = stand.send("GET", answer["Location"])
    assert taken.headers["Content-Disposition"] == "attachment; filename*=UTF-8''holiday.png"
    assert taken.headers["Content-Type"] == "image/png"
    for method in ("PUT", "DELETE", "POST"):
        assert stand.send(method, url).status_code in {400, 403, 405, 501}
    with later(stand, 61):
        assert stand.send("GET", url).status_code == 403
        assert stand.send("GET", answer["Location"]).status_code == 403


@contextmanager
def log_of_production() -> Any:
    """What the log says, as it is written out."""
    root = logging.getLogger()
    configured = next(one for one in root.handlers if one.formatter and "Processor" in type(one.formatter).__name__)
    out, level = StringIO(), root.level
    handler = logging.StreamHandler(out)
    handler.setFormatter(configured.formatter)
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    yield out
    root.removeHandler(handler)
    root.setLevel(level)


def test_no_signature_is_written_down(stand: Stand, bookings: Bookings) -> None:
    booking = uuid.uuid4()
    client = customer_client(booking)
    with log_of_production() as log:
        headers = {"Idempotency-Key": str(uuid.uuid4())}
        body = claim(picture(), purpose="booking_attachment", booking_id=str(booking))
        signed = client.post("/api/uploads/sign", body, headers=headers).json()
        send(stand, signed, picture())
        client.post(CONFIRM, {"file_id": signed["file_id"]})
        run_due()
        shown = client.get(f"/api/files/{signed['file_id']}").json()
        taken = client.get(f"/api/files/{signed['file_id']}/download")["Location"]
    urls = [signed["upload"]["url"], shown["thumbnails"][0]["url"], taken]
    secrets = {secret_of(url) for url in urls}
    assert len(secrets) == 3
    rows = [*AuditEvent.objects.values(), *Job.objects.values(), *StoredAnswer.objects.values(), *File.objects.values()]
    assert "/api/uploads/sign" in log.getvalue()
    written = log.getvalue() + repr(rows)
    assert [secret for secret in secrets if secret in written] == []


def secret_of(url: str) -> str:
    """What must not be known of a URL: its signature, or the last part of a path of ours."""
    query = parse_qs(urlsplit(url).query)
    return query["X-Amz-Signature"][0] if query else url.rpartition("/")[2]


def bytes_of(file: File) -> list[bytes]:
    """All that is served of a file, by key."""
    storage = get_storage()
    found = storage.list(Bucket.PUBLIC, file.clean_key.rpartition("/")[0], limit=10)
    assert found
    return [storage.read_range(Bucket.PUBLIC, info.key, length=info.size, etag=info.etag) for info in found]


def away(request: pytest.FixtureRequest, settings: Any) -> AbstractContextManager[None]:
    """The store does not answer."""

    @contextmanager
    def local() -> Any:
        folder, settings.MEDIA_ROOT = settings.MEDIA_ROOT, Path(__file__)
        yield
        settings.MEDIA_ROOT = folder

    @contextmanager
    def gate() -> Any:
        process = request.getfixturevalue("s3_gate")
        process.control(away=True)
        yield
        process.control(away=False)

    return local() if settings.STORAGE == "local" else gate()
