"""S3 and what speaks its language (R2, MinIO), through boto3.

Two clients: one for calls from here, one that only signs, for the host that browsers reach. The configuration is what
makes a signature bind length, type and checksum: without `s3v4` boto3 still signs with version 2 in us-east-1, and the
checksums that it adds by itself since 1.36 are refused by R2.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypedDict, cast
from urllib.parse import urlsplit

import boto3
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from uploads.constants import IMMUTABLE_CACHE, PRIVATE_CACHE, Bucket
from uploads.errors import StorageNotConfigured, StorageUnavailable
from uploads.storage.base import (
    NotAllowedError,
    ObjectChangedError,
    ObjectInfo,
    ObjectMissingError,
    PartialUpload,
    PutOrder,
    ReadOrder,
    checked_key,
    disposition,
    to_base64,
    to_hex,
)
from uploads.storage.rules import BucketRules, Rule

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

CHUNK_BYTES = 64 * 1024
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
META_PREFIX = "x-amz-meta-"
MISSING_CODES = {
    *("404", "NoSuchKey", "NoSuchUpload", "NotFound", "NoSuchCORSConfiguration", "NoSuchLifecycleConfiguration")
}
DENIED_CODES = {"403", "AccessDenied", "NotImplemented", "MethodNotAllowed"}
CHANGED_CODES = {"412", "PreconditionFailed"}
EMPTY_CODES = {"416", "InvalidRange"}

logger = logging.getLogger(__name__)


class _EmptyObjectError(Exception):
    """A range was asked of an object without bytes."""


@dataclass(frozen=True)
class S3Settings:
    """What the adapter needs; empty strings leave the choice to boto3."""

    private_bucket: str
    public_bucket: str
    endpoint_url: str
    public_endpoint_url: str
    region: str
    access_key_id: str
    secret_access_key: str

    @property
    def has_keys(self) -> bool:
        """Half a pair counts as none, since boto3 would build no client with it."""
        return bool(self.access_key_id and self.secret_access_key)


class S3Storage:
    """The adapter of `STORAGE=s3`."""

    def __init__(self, configuration: S3Settings) -> None:
        self.buckets = {Bucket.PRIVATE: configuration.private_bucket, Bucket.PUBLIC: configuration.public_bucket}
        self.client = _client(configuration, configuration.endpoint_url)
        self.signer = _client(configuration, configuration.public_endpoint_url)
        self.signer.meta.events.register("before-sign.s3.PutObject", _metadata_into_query)

    def require(self, bucket: Bucket) -> None:
        """Raise `StorageNotConfigured` when the bucket has no name."""
        self._name(bucket)

    def sign_put(self, order: PutOrder) -> str:
        """Presign a PUT that binds length, type, checksum, file id and "only if nothing is there"."""
        with _answers():
            return self.signer.generate_presigned_url(
                "put_object",
                Params={
                    "Bucket": self._name(Bucket.PRIVATE),
                    "Key": order.key,
                    "ContentType": order.content_type,
                    "ContentLength": order.size,
                    "ChecksumSHA256": to_base64(order.sha256),
                    "IfNoneMatch": "*",
                    "Metadata": {"file-id": order.file_id},
                },
                ExpiresIn=order.ttl_seconds,
            )

    def sign_get(self, order: ReadOrder) -> str:
        """Presign a GET whose answer has our type, and our name for a download."""
        with _answers():
            return self.signer.generate_presigned_url(
                "get_object",
                Params={
                    "Bucket": self._name(order.bucket),
                    "Key": order.key,
                    "ResponseContentType": order.content_type,
                    "ResponseCacheControl": PRIVATE_CACHE,
                    "ResponseContentDisposition": disposition(order.filename),
                },
                ExpiresIn=order.ttl_seconds,
            )

    def head(self, bucket: Bucket, key: str) -> ObjectInfo | None:
        """HEAD, with the checksum where the store keeps one."""
        try:
            with _answers():
                found = self.client.head_object(Bucket=self._name(bucket), Key=key, ChecksumMode="ENABLED")
        except ObjectMissingError:
            return None
        return ObjectInfo(
            key=key,
            size=found["ContentLength"],
            content_type=found.get("ContentType", ""),
            etag=found["ETag"],
            modified_at=found["LastModified"],
            sha256=to_hex(found.get("ChecksumSHA256", "")),
            file_id=found.get("Metadata", {}).get("file-id", ""),
        )

    def read_range(self, bucket: Bucket, key: str, *, length: int, etag: str) -> bytes:
        """GET of the first bytes, bound to the ETag."""
        try:
            with _answers():
                found = self.client.get_object(
                    Bucket=self._name(bucket), Key=key, IfMatch=etag, Range=f"bytes=0-{length - 1}"
                )
                return found["Body"].read(length)
        except _EmptyObjectError:  # it has no first byte, and S3 calls that an invalid range
            return b""

    def get(self, bucket: Bucket, key: str, target: BinaryIO, *, etag: str, limit: int) -> None:
        """GET bound to the ETag, counted while it streams."""
        with _answers():
            body = self.client.get_object(Bucket=self._name(bucket), Key=key, IfMatch=etag)["Body"]
            written = 0
            while chunk := body.read(CHUNK_BYTES):
                written += len(chunk)
                if written > limit:
                    raise ObjectChangedError
                target.write(chunk)

    def put(self, bucket: Bucket, key: str, source: Path, *, content_type: str) -> None:
        """PUT of a file of ours; public objects are immutable, private ones only ever downloads."""
        with _answers(), source.open("rb") as body:
            self.client.put_object(
                Bucket=self._name(bucket),
                Key=checked_key(key),
                Body=body,
                ContentType=content_type,
                **_served_as(bucket),
            )

    def copy(self, source: tuple[Bucket, str], target: tuple[Bucket, str], *, etag: str) -> None:
        """Copy on the server's side, bound to the source's ETag.

        The type is repeated, since S3 copies either all of an object's headers or none, and caching and disposition
        belong to the bucket that the copy goes to.
        """
        found = self.head(*source)
        if found is None:
            raise ObjectMissingError
        with _answers():
            self.client.copy_object(
                CopySource={"Bucket": self._name(source[0]), "Key": source[1]},
                CopySourceIfMatch=etag,
                Bucket=self._name(target[0]),
                Key=checked_key(target[1]),
                MetadataDirective="REPLACE",
                ContentType=found.content_type,
                **_served_as(target[0]),
            )

    def delete(self, bucket: Bucket, key: str) -> None:
        """DELETE, which S3 answers alike for a key that is not there."""
        with _answers():
            self.client.delete_object(Bucket=self._name(bucket), Key=key)

    def list(self, bucket: Bucket, prefix: str, *, limit: int, after: str = "") -> list[ObjectInfo]:
        """List by pages until `limit`; types and checksums are not part of a listing."""
        with _answers():
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self._name(bucket), Prefix=prefix, StartAfter=after, PaginationConfig={"MaxItems": limit}
            )
            return [
                ObjectInfo(
                    key=row["Key"], size=row["Size"], content_type="", etag=row["ETag"], modified_at=row["LastModified"]
                )
                for page in pages
                for row in page.get("Contents", [])
            ]

    def partial_uploads(self, bucket: Bucket, prefix: str, *, limit: int) -> Sequence[PartialUpload]:
        """List by pages until `limit`."""
        with _answers():
            pages = self.client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._name(bucket), Prefix=prefix, PaginationConfig={"MaxItems": limit}
            )
            return [
                PartialUpload(key=row["Key"], upload_id=row["UploadId"], begun_at=row["Initiated"])
                for page in pages
                for row in page.get("Uploads", [])
            ]

    def abort(self, bucket: Bucket, partial: PartialUpload) -> None:
        """AbortMultipartUpload."""
        with suppress(ObjectMissingError), _answers():
            self.client.abort_multipart_upload(Bucket=self._name(bucket), Key=partial.key, UploadId=partial.upload_id)

    def problem(self) -> str:
        """HEAD of each bucket that has a name."""
        for bucket, name in self.buckets.items():
            if not name:
                return f"{bucket.value}_bucket_not_set"
            try:
                with _answers():
                    self.client.head_bucket(Bucket=name)
            except (StorageUnavailable, ObjectMissingError):
                return f"{bucket.value}_bucket_away"
        return ""

    def rules(self, bucket: Bucket) -> BucketRules:
        """Read CORS and lifecycle. Raises `NotAllowedError`, `StorageUnavailable`, `StorageNotConfigured`."""
        name = self._name(bucket)
        cors: list[Any] = []
        lifecycle: list[Any] = []
        with suppress(ObjectMissingError), _answers(), _settings():
            cors = self.client.get_bucket_cors(Bucket=name)["CORSRules"]
        with suppress(ObjectMissingError), _answers(), _settings():
            lifecycle = self.client.get_bucket_lifecycle_configuration(Bucket=name)["Rules"]
        return BucketRules(cors=cors, lifecycle=lifecycle)

    def set_cors(self, bucket: Bucket, rules: Sequence[Rule]) -> None:
        """Replace the CORS rules. Raises as `rules`."""
        name = self._name(bucket)
        with _answers(), _settings():
            if rules:
                self.client.put_bucket_cors(Bucket=name, CORSConfiguration=cast("Any", {"CORSRules": rules}))
            else:
                self.client.delete_bucket_cors(Bucket=name)

    def set_lifecycle(self, bucket: Bucket, rules: Sequence[Rule]) -> None:
        """Replace the lifecycle rules. Raises as `rules`."""
        name = self._name(bucket)
        with _answers(), _settings():
            self.client.put_bucket_lifecycle_configuration(
                Bucket=name, LifecycleConfiguration=cast("Any", {"Rules": rules})
            )

    def _name(self, bucket: Bucket) -> str:
        name = self.buckets[bucket]
        if not name:
            raise StorageNotConfigured
        return name


class _ServedAs(TypedDict):
    CacheControl: str
    ContentDisposition: str


def _served_as(bucket: Bucket) -> _ServedAs:
    if bucket is Bucket.PUBLIC:
        return {"CacheControl": IMMUTABLE_CACHE, "ContentDisposition": "inline"}
    return {"CacheControl": PRIVATE_CACHE, "ContentDisposition": "attachment"}


def client_config(endpoint_url: str) -> Config:
    """The configuration of every client; stand-ins on this machine know buckets by path only."""
    stand_in = urlsplit(endpoint_url).hostname in LOOPBACK
    return Config(
        signature_version="s3v4",
        s3={"addressing_style": "path" if stand_in else "virtual"},
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        connect_timeout=2,
        read_timeout=10,
        retries={"max_attempts": 2, "mode": "standard"},
    )


def _client(configuration: S3Settings, endpoint_url: str) -> "S3Client":
    return boto3.client(
        "s3",
        region_name=configuration.region,
        endpoint_url=endpoint_url or None,
        aws_access_key_id=configuration.access_key_id if configuration.has_keys else None,
        aws_secret_access_key=configuration.secret_access_key if configuration.has_keys else None,
        config=client_config(endpoint_url),
    )


def _metadata_into_query(request: AWSRequest, **_: object) -> None:
    """Sign metadata as part of the URL: S3 takes it from there, and the client has one header less to repeat."""
    for name in [name for name in request.headers if name.lower().startswith(META_PREFIX)]:
        request.params[name.lower()] = request.headers[name]
        del request.headers[name]


@contextmanager
def _settings() -> Iterator[None]:
    """The settings of a bucket are a matter of their own: many keys may use objects and nothing else."""
    try:
        yield
    except ClientError as error:
        if error.response.get("Error", {}).get("Code", "") in DENIED_CODES:
            raise NotAllowedError from error
        raise


@contextmanager
def _answers() -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        if code in MISSING_CODES:
            raise ObjectMissingError from error
        if code in CHANGED_CODES:
            raise ObjectChangedError from error
        if code in EMPTY_CODES:
            raise _EmptyObjectError from error
        logger.warning("The store refused a call with %s.", code)
        raise StorageUnavailable from error
    except BotoCoreError as error:
        logger.warning("The store did not answer: %s.", type(error).__name__)
        raise StorageUnavailable from error
