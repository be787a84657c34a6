"""One contract, two stores: whatever is true of S3 is true of `STORAGE=local`."""

import base64
import hashlib
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from common.clock import db_now
from uploads.constants import Bucket
from uploads.errors import StorageUnavailable
from uploads.storage import ObjectChangedError, ObjectMissingError, PutOrder, ReadOrder
from uploads.tests.stores import Stand, both

pytestmark = pytest.mark.django_db
CONTENT, OTHER = b"0123456789", b"9876543210"
KEY, CLEAN = "quarantine/2026/11/a", "files/x/original.png"


@pytest.fixture(params=["local", "s3"])
def stand(request: pytest.FixtureRequest, settings: Any) -> Stand:
    return both(request, settings)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


def order(content: bytes = CONTENT, key: str = KEY) -> PutOrder:
    digest = hashlib.sha256(content).hexdigest()
    return PutOrder(key, "image/png", len(content), digest, "file-1", db_now() + timedelta(seconds=600), 600)


def checksum(content: bytes) -> str:
    return base64.b64encode(hashlib.sha256(content).digest()).decode()


class TestSignedPut:
    def send(self, stand: Stand, content: bytes = CONTENT, **changes: str | None) -> int:
        """PUT with the signed headers, some of them changed or left out."""
        wanted = order()
        merged: dict[str, str | None] = {**wanted.headers, **changes}
        headers = {name: value for name, value in merged.items() if value is not None}
        return int(stand.send("PUT", stand.storage.sign_put(wanted), content, headers).status_code)

    def keys(self, stand: Stand) -> list[str]:
        return [info.key for info in stand.storage.list(Bucket.PRIVATE, "", limit=10)]

    def test_it_writes_the_object(self, stand: Stand):
        assert self.send(stand) == 200
        info = stand.storage.head(Bucket.PRIVATE, KEY)
        assert info
        assert (info.size, info.content_type, info.file_id) == (10, "image/png", "file-1")
        assert info.sha256 == hashlib.sha256(CONTENT).hexdigest()
        assert abs(datetime.now(UTC) - info.modified_at) < timedelta(minutes=1)

    @pytest.mark.parametrize(
        "changes",
        [
            {"Content-Type": "image/jpeg"},
            {"Content-Type": None},
            {"x-amz-checksum-sha256": None},
            {"x-amz-checksum-sha256": checksum(OTHER)},
            {"If-None-Match": None},
            {"If-None-Match": '"x"'},
        ],
        ids=str,
    )
    def test_each_header_is_demanded(self, stand: Stand, changes: Any):
        assert self.send(stand, **changes) == 403
        assert self.keys(stand) == []

    @pytest.mark.parametrize(("content", "status"), [(CONTENT + b"x", 403), (CONTENT[:-1], 403), (OTHER, 400)])
    def test_the_bytes_are_bound(self, stand: Stand, content: bytes, status: int):
        assert self.send(stand, content) == status
        assert self.keys(stand) == []

    def test_it_works_once(self, stand: Stand):
        assert [self.send(stand), self.send(stand)] == [200, 412]
        info = stand.storage.head(Bucket.PRIVATE, KEY)
        assert info
        assert stand.storage.read_range(Bucket.PRIVATE, KEY, length=99, etag=info.etag) == CONTENT

    def test_it_ends(self, stand: Stand):
        url, headers = stand.storage.sign_put(order()), order().headers
        with stand.later(602):
            assert stand.send("PUT", url, CONTENT, headers).status_code == 403
        assert self.keys(stand) == []

    def test_a_changed_url(self, stand: Stand):
        url = stand.storage.sign_put(order())
        for changed in (url[:-1] + ("a" if url[-1] != "a" else "b"), url.replace("/quarantine/", "/files/") + "x"):
            assert stand.send("PUT", changed, CONTENT, order().headers).status_code == 403
        assert self.keys(stand) == []

    @pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST"])
    def test_it_does_nothing_else(self, stand: Stand, method: str):
        url = stand.storage.sign_put(order())
        assert stand.send("PUT", url, CONTENT, order().headers).status_code == 200
        assert stand.send(method, url, b"", order().headers).status_code == 403
        assert self.keys(stand) == [KEY]


class TestSignedGet:
    def url(self, stand: Stand, source: Path) -> str:
        stand.storage.put(Bucket.PRIVATE, CLEAN, source, content_type="text/html")
        expires = db_now() + timedelta(seconds=60)
        return stand.storage.sign_get(ReadOrder(Bucket.PRIVATE, CLEAN, "image/png", expires, 60, "Ä b.png"))

    def test_it_downloads_under_our_type_and_name(self, stand: Stand, source: Path):
        answer = stand.send("GET", self.url(stand, source))
        assert (answer.status_code, answer.content) == (200, CONTENT)
        assert answer.headers["Content-Type"] == "image/png"
        assert answer.headers["Content-Disposition"] == "attachment; filename*=UTF-8''%C3%84%20b.png"
        assert answer.headers["Cache-Control"] == "private, no-store"

    @pytest.mark.parametrize("method", ["PUT", "HEAD", "DELETE", "POST"])
    def test_it_only_reads(self, stand: Stand, source: Path, method: str):
        url = self.url(stand, source)
        assert stand.send(method, url, b"x").status_code == 403
        assert [info.size for info in stand.storage.list(Bucket.PRIVATE, "", limit=9)] == [10]

    def test_it_ends(self, stand: Stand, source: Path):
        url = self.url(stand, source)
        with stand.later(62):
            assert stand.send("GET", url).status_code == 403


class TestObjects:
    def test_what_is_put_can_be_read(self, stand: Stand, source: Path):
        stand.storage.put(Bucket.PUBLIC, CLEAN, source, content_type="image/png")
        info = stand.storage.head(Bucket.PUBLIC, CLEAN)
        assert info
        assert (info.key, info.size, info.content_type, info.file_id) == (CLEAN, 10, "image/png", "")
        assert stand.storage.read_range(Bucket.PUBLIC, CLEAN, length=4, etag=info.etag) == b"0123"
        target = BytesIO()
        stand.storage.get(Bucket.PUBLIC, CLEAN, target, etag=info.etag, limit=10)
        assert target.getvalue() == CONTENT

    def test_another_etag_and_a_longer_object(self, stand: Stand, source: Path):
        storage = stand.storage
        storage.put(Bucket.PRIVATE, CLEAN, source, content_type="image/png")
        info = storage.head(Bucket.PRIVATE, CLEAN)
        assert info
        with pytest.raises(ObjectChangedError):
            storage.read_range(Bucket.PRIVATE, CLEAN, length=4, etag='"other"')
        with pytest.raises(ObjectChangedError):
            storage.get(Bucket.PRIVATE, CLEAN, BytesIO(), etag='"other"', limit=10)
        with pytest.raises(ObjectChangedError):
            storage.get(Bucket.PRIVATE, CLEAN, BytesIO(), etag=info.etag, limit=9)
        with pytest.raises(ObjectChangedError):
            storage.copy((Bucket.PRIVATE, CLEAN), (Bucket.PUBLIC, "files/y"), etag='"other"')
        assert storage.head(Bucket.PUBLIC, "files/y") is None

    def test_what_is_not_there(self, stand: Stand):
        storage = stand.storage
        assert storage.head(Bucket.PRIVATE, "none") is None
        with pytest.raises(ObjectMissingError):
            storage.read_range(Bucket.PRIVATE, "none", length=4, etag='"x"')
        with pytest.raises(ObjectMissingError):
            storage.get(Bucket.PRIVATE, "none", BytesIO(), etag='"x"', limit=4)
        with pytest.raises(ObjectMissingError):
            storage.copy((Bucket.PRIVATE, "none"), (Bucket.PUBLIC, "files/y"), etag='"x"')
        storage.delete(Bucket.PRIVATE, "none")

    def test_an_object_without_bytes(self, stand: Stand, source: Path):
        source.write_bytes(b"")
        stand.storage.put(Bucket.PRIVATE, CLEAN, source, content_type="image/png")
        info = stand.storage.head(Bucket.PRIVATE, CLEAN)
        assert info
        assert stand.storage.read_range(Bucket.PRIVATE, CLEAN, length=4, etag=info.etag) == b""

    def test_copies_carry_the_type(self, stand: Stand, source: Path):
        storage = stand.storage
        storage.put(Bucket.PRIVATE, CLEAN, source, content_type="image/png")
        info = storage.head(Bucket.PRIVATE, CLEAN)
        assert info
        storage.copy((Bucket.PRIVATE, CLEAN), (Bucket.PUBLIC, "files/y/a.png"), etag=info.etag)
        made = storage.head(Bucket.PUBLIC, "files/y/a.png")
        assert made
        assert (made.size, made.content_type) == (10, "image/png")

    def test_lists_go_on_where_they_stopped(self, stand: Stand, source: Path):
        for key in ("files/a/1", "files/a/2", "files/b/1", "other/1"):
            stand.storage.put(Bucket.PUBLIC, key, source, content_type="image/png")

        def keys(prefix: str, limit: int, after: str = "") -> list[str]:
            return [one.key for one in stand.storage.list(Bucket.PUBLIC, prefix, limit=limit, after=after)]

        assert keys("files/", 2) == ["files/a/1", "files/a/2"]
        assert keys("files/", 2, after="files/a/2") == ["files/b/1"]
        assert keys("files/a/", 9, after="files/a/1") == ["files/a/2"]
        assert keys("", 9, after="files/b/1") == ["other/1"]
        stand.storage.delete(Bucket.PUBLIC, "files/a/1")
        assert keys("files/", 9) == ["files/a/2", "files/b/1"]

    @pytest.mark.parametrize("key", ["../x", "/etc/passwd", "files/../x", "A/b", "a b", "files/\x00", "x" * 201])
    def test_only_keys_of_ours_are_written(self, stand: Stand, source: Path, key: str):
        with pytest.raises(ValueError, match="Not a key of ours"):
            stand.storage.put(Bucket.PUBLIC, key, source, content_type="image/png")

    def test_uploads_that_nobody_ended(self, stand: Stand):
        stand.begin_parts("quarantine/2026/11/b")
        (found,) = stand.storage.partial_uploads(Bucket.PRIVATE, "quarantine/", limit=9)
        assert abs(datetime.now(UTC) - found.begun_at) < timedelta(minutes=1)
        assert stand.storage.partial_uploads(Bucket.PRIVATE, "exports/", limit=9) == []
        assert stand.storage.list(Bucket.PRIVATE, "", limit=9) == []
        for _ in range(2):
            stand.storage.abort(Bucket.PRIVATE, found)
        assert stand.storage.partial_uploads(Bucket.PRIVATE, "", limit=9) == []


class TestAway:
    def test_every_call_says_so(self, stand: Stand, source: Path):
        storage, pair = stand.storage, ((Bucket.PRIVATE, CLEAN), (Bucket.PUBLIC, CLEAN))
        storage.put(Bucket.PRIVATE, CLEAN, source, content_type="image/png")
        assert storage.problem() == ""
        info = storage.head(Bucket.PRIVATE, CLEAN)
        assert info
        stand.away(True)
        for call in (
            lambda: storage.put(Bucket.PRIVATE, CLEAN, source, content_type="image/png"),
            lambda: storage.head(Bucket.PRIVATE, CLEAN),
            lambda: storage.read_range(Bucket.PRIVATE, CLEAN, length=1, etag=info.etag),
            lambda: storage.copy(*pair, etag=info.etag),
            lambda: storage.delete(Bucket.PRIVATE, CLEAN),
            lambda: storage.list(Bucket.PRIVATE, "", limit=1),
        ):
            with pytest.raises(StorageUnavailable) as caught:
                call()
            assert caught.value.headers == {"Retry-After": "1"}
        assert storage.problem() in {"private_bucket_away", "folder_not_writable"}
