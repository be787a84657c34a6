"""The adapter of S3 against moto, and the shape of what it signs."""

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.exceptions import EndpointConnectionError
from moto import mock_aws

from uploads import checks, selectors
from uploads import storage as storage_module
from uploads.constants import Bucket
from uploads.errors import StorageNotConfigured, StorageUnavailable
from uploads.storage import ObjectChangedError, ObjectMissingError, PutOrder, ReadOrder, is_configured
from uploads.storage.s3 import S3Settings, S3Storage

CONTENT = b"0123456789"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
LATER = datetime(2030, 1, 1, tzinfo=UTC)
SETTINGS = S3Settings(
    private_bucket="studio-private",
    public_bucket="studio-public",
    endpoint_url="",
    public_endpoint_url="",
    region="us-east-1",
    access_key_id="AKIATEST",
    secret_access_key="secret",
)
ORDER = PutOrder("quarantine/2026/11/a", "image/png", len(CONTENT), SHA256, "file-1", LATER, 600)


@pytest.fixture
def s3() -> Iterator[S3Storage]:
    with mock_aws():
        storage = S3Storage(SETTINGS)
        for name in storage.buckets.values():
            storage.client.create_bucket(Bucket=name)
        yield storage


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(CONTENT)
    return path


def test_the_configuration_is_the_one_that_binds(s3: S3Storage) -> None:
    for client in (s3.client, s3.signer):
        config: Any = client.meta.config
        assert config.signature_version == "s3v4"
        assert config.request_checksum_calculation == "when_required"
        assert config.response_checksum_validation == "when_required"
        assert (config.connect_timeout, config.read_timeout) == (2, 10)
        assert (config.retries["mode"], config.retries["total_max_attempts"]) == ("standard", 3)
        assert config.s3 == {"addressing_style": "virtual"}


def test_a_stand_in_on_this_machine_is_addressed_by_path() -> None:
    local = S3Settings("a-private", "a-public", "http://127.0.0.1:9000", "http://localhost:9000", "us-east-1", "a", "b")
    assert urlsplit(S3Storage(local).sign_put(ORDER)).path == "/a-private/quarantine/2026/11/a"


def test_a_presigned_put_binds_everything(s3: S3Storage) -> None:
    url = urlsplit(s3.sign_put(ORDER))
    query = {name: values[0] for name, values in parse_qs(url.query).items()}
    assert (url.scheme, url.path) == ("https", "/quarantine/2026/11/a")
    assert url.hostname in {"studio-private.s3.amazonaws.com", "studio-private.s3.us-east-1.amazonaws.com"}
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert query["X-Amz-SignedHeaders"] == "content-length;content-type;host;if-none-match;x-amz-checksum-sha256"
    assert query["X-Amz-Expires"] == "600"
    assert query["x-amz-meta-file-id"] == "file-1"
    assert ORDER.headers == {
        "Content-Type": "image/png",
        "x-amz-checksum-sha256": base64.b64encode(bytes.fromhex(SHA256)).decode(),
        "If-None-Match": "*",
    }


def test_the_public_host_is_signed_and_the_inner_one_is_called() -> None:
    split = S3Settings("a-private", "a-public", "https://inner.example", "https://outer.example", "auto", "a", "b")
    adapter = S3Storage(split)
    assert urlsplit(adapter.sign_put(ORDER)).hostname == "a-private.outer.example"
    assert adapter.client.meta.endpoint_url == "https://inner.example"


def test_a_presigned_get_forces_type_and_name(s3: S3Storage) -> None:
    order = ReadOrder(Bucket.PRIVATE, "files/x/original.pdf", "application/pdf", LATER, 60, "Brief für Äon.pdf")
    query = parse_qs(urlsplit(s3.sign_get(order)).query)
    assert query["response-content-type"] == ["application/pdf"]
    assert query["response-content-disposition"] == ["attachment; filename*=UTF-8''Brief%20f%C3%BCr%20%C3%84on.pdf"]
    assert query["X-Amz-Expires"] == ["60"]


def test_what_is_put_can_be_seen_and_read(s3: S3Storage, source: Path) -> None:
    s3.put(Bucket.PUBLIC, "files/x/320.webp", source, content_type="image/webp")
    info = s3.head(Bucket.PUBLIC, "files/x/320.webp")
    assert info is not None
    assert (info.size, info.content_type, info.file_id) == (10, "image/webp", "")
    raw = s3.client.head_object(Bucket="studio-public", Key="files/x/320.webp")
    assert raw["CacheControl"] == "public, max-age=31536000, immutable"
    assert raw["ContentDisposition"] == "inline"
    assert s3.read_range(Bucket.PUBLIC, "files/x/320.webp", length=4, etag=info.etag) == b"0123"
    target = BytesIO()
    s3.get(Bucket.PUBLIC, "files/x/320.webp", target, etag=info.etag, limit=10)
    assert target.getvalue() == CONTENT


def test_private_objects_only_download(s3: S3Storage, source: Path) -> None:
    s3.put(Bucket.PRIVATE, "files/x/original.pdf", source, content_type="application/pdf")
    raw = s3.client.head_object(Bucket="studio-private", Key="files/x/original.pdf")
    assert (raw["ContentDisposition"], raw["CacheControl"]) == ("attachment", "private, no-store")


def test_head_tells_checksum_and_file_id(s3: S3Storage) -> None:
    s3.client.put_object(
        Bucket="studio-private",
        Key="quarantine/a",
        Body=CONTENT,
        ContentType="image/png",
        Metadata={"file-id": "file-1"},
        ChecksumAlgorithm="SHA256",
        ChecksumSHA256=base64.b64encode(bytes.fromhex(SHA256)).decode(),
    )
    info = s3.head(Bucket.PRIVATE, "quarantine/a")
    assert info is not None
    assert (info.sha256, info.file_id) == (SHA256, "file-1")


def test_another_etag_and_a_longer_object_are_refused(s3: S3Storage, source: Path) -> None:
    s3.put(Bucket.PRIVATE, "files/x/a", source, content_type="image/png")
    info = s3.head(Bucket.PRIVATE, "files/x/a")
    assert info is not None
    with pytest.raises(ObjectChangedError):
        s3.read_range(Bucket.PRIVATE, "files/x/a", length=4, etag='"other"')
    with pytest.raises(ObjectChangedError):
        s3.get(Bucket.PRIVATE, "files/x/a", BytesIO(), etag=info.etag, limit=9)


def test_what_is_not_there(s3: S3Storage) -> None:
    assert s3.head(Bucket.PRIVATE, "nothing") is None
    with pytest.raises(ObjectMissingError):
        s3.get(Bucket.PRIVATE, "nothing", BytesIO(), etag='"x"', limit=9)
    with pytest.raises(ObjectMissingError):
        s3.copy((Bucket.PRIVATE, "nothing"), (Bucket.PUBLIC, "files/y"), etag='"x"')
    s3.delete(Bucket.PRIVATE, "nothing")


def test_copy_list_and_delete(s3: S3Storage, source: Path) -> None:
    s3.put(Bucket.PRIVATE, "files/x/a", source, content_type="image/png")
    info = s3.head(Bucket.PRIVATE, "files/x/a")
    assert info is not None
    s3.copy((Bucket.PRIVATE, "files/x/a"), (Bucket.PUBLIC, "files/y/a"), etag=info.etag)
    s3.put(Bucket.PUBLIC, "files/y/b", source, content_type="image/png")
    s3.put(Bucket.PUBLIC, "other/c", source, content_type="image/png")
    assert [info.key for info in s3.list(Bucket.PUBLIC, "files/", limit=10)] == ["files/y/a", "files/y/b"]
    assert [info.key for info in s3.list(Bucket.PUBLIC, "files/", limit=1)] == ["files/y/a"]
    assert [info.key for info in s3.list(Bucket.PUBLIC, "files/", limit=9, after="files/y/a")] == ["files/y/b"]
    s3.delete(Bucket.PUBLIC, "files/y/a")
    assert [info.size for info in s3.list(Bucket.PUBLIC, "files/", limit=10)] == [10]


def test_uploads_in_parts_are_listed_and_given_up(s3: S3Storage) -> None:
    begun = s3.client.create_multipart_upload(Bucket="studio-private", Key="quarantine/2026/11/a")
    s3.client.create_multipart_upload(Bucket="studio-private", Key="exports/b")
    [partial] = s3.partial_uploads(Bucket.PRIVATE, "quarantine/", limit=9)
    assert (partial.key, partial.upload_id) == ("quarantine/2026/11/a", begun["UploadId"])
    for _ in range(2):
        s3.abort(Bucket.PRIVATE, partial)
    assert s3.partial_uploads(Bucket.PRIVATE, "quarantine/", limit=9) == []
    assert [one.key for one in s3.partial_uploads(Bucket.PRIVATE, "", limit=9)] == ["exports/b"]


def test_a_silent_store_is_unavailable(s3: S3Storage) -> None:
    silence = EndpointConnectionError(endpoint_url="https://inner.example")
    with mock.patch.object(s3.client, "head_object", side_effect=silence), pytest.raises(StorageUnavailable) as caught:
        s3.head(Bucket.PRIVATE, "a")
    assert caught.value.headers == {"Retry-After": "1"}


def test_a_refusal_of_the_store_is_unavailable(s3: S3Storage) -> None:
    s3.client.delete_bucket(Bucket="studio-public")
    with pytest.raises((StorageUnavailable, ObjectMissingError)):
        s3.list(Bucket.PUBLIC, "", limit=1)


def test_a_bucket_without_a_name_is_not_configured() -> None:
    storage = S3Storage(S3Settings("a-private", "", "", "", "us-east-1", "a", "b"))
    storage.require(Bucket.PRIVATE)
    with pytest.raises(StorageNotConfigured):
        storage.require(Bucket.PUBLIC)


def configure(settings: Any, private: str = "studio-private", public: str = "studio-public") -> None:
    settings.STORAGE = "s3"
    settings.S3_BUCKET_NAME, settings.S3_PUBLIC_BUCKET_NAME = private, public
    settings.AWS_ACCESS_KEY_ID, settings.AWS_SECRET_ACCESS_KEY = "a", "b"
    settings.S3_ENDPOINT_URL = settings.S3_PUBLIC_ENDPOINT_URL = ""
    storage_module.s3_storage.cache_clear()


def test_the_settings_choose_the_adapter(settings: Any) -> None:
    configure(settings)
    assert isinstance(storage_module.get_storage(), S3Storage)
    assert storage_module.get_storage() is storage_module.get_storage()
    configure(settings, private="")
    assert not is_configured()
    with pytest.raises(StorageNotConfigured):
        storage_module.get_storage()
    assert checks.buckets_are_two(None) == []


def test_health_names_what_is_wrong(settings: Any) -> None:
    assert selectors.health().as_dict() == {"status": "ok"}
    with mock_aws():
        configure(settings)
        assert selectors.health().as_dict() == {"status": "degraded", "reason": "private_bucket_away"}
        for name in ("studio-private", "studio-public"):
            storage_module.get_storage().client.create_bucket(Bucket=name)  # type: ignore[attr-defined]
        assert selectors.health().as_dict() == {"status": "ok"}
    settings.STORAGE = "none"
    assert selectors.health().as_dict() == {"status": "degraded", "reason": "storage_not_configured"}
