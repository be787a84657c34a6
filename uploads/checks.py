"""System checks: a store whose signatures bind nothing, or that shows what is private, must not start."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.core import checks

from uploads.storage import PutOrder, is_configured, s3_settings, s3_storage
from uploads.storage.s3 import S3Storage

ALGORITHM = "AWS4-HMAC-SHA256"
BOUND = {"host", "content-length", "content-type", "if-none-match", "x-amz-checksum-sha256"}
R2 = ".r2.cloudflarestorage.com"
SAMPLE = PutOrder(
    key="quarantine/sample",
    content_type="image/png",
    size=1,
    sha256="0" * 64,
    file_id="sample",
    expires_at=datetime.max.replace(tzinfo=UTC),
    ttl_seconds=1,
)


@checks.register()
def signatures_are_version_four(app_configs: Any, **_: object) -> Sequence[checks.CheckMessage]:
    """E001: only signature version 4 binds length, type and checksum to a presigned URL; no network."""
    if settings.STORAGE != "s3" or not is_configured():
        return []
    storage = _storage()
    versions = {getattr(client.meta.config, "signature_version", "") for client in (storage.client, storage.signer)}
    if versions == {"s3v4"} and _binds(storage.sign_put(SAMPLE)):
        return []
    return [
        checks.Error(
            "The S3 client does not sign with version 4 (s3v4), or leaves length, type or checksum out: "
            "whoever holds a signed URL could write anything.",
            id="uploads.E001",
        )
    ]


@checks.register()
def buckets_are_two(app_configs: Any, **_: object) -> Sequence[checks.CheckMessage]:
    """E002: one bucket for both would show private files. I001: without a public one, image purposes answer 503."""
    if settings.STORAGE != "s3" or not settings.S3_BUCKET_NAME:
        return []
    if settings.S3_BUCKET_NAME == settings.S3_PUBLIC_BUCKET_NAME:
        sentence = "S3_BUCKET_NAME and S3_PUBLIC_BUCKET_NAME are one bucket: everybody could read private files."
        return [checks.Error(sentence, id="uploads.E002")]
    if not settings.S3_PUBLIC_BUCKET_NAME:
        return [checks.Info("S3_PUBLIC_BUCKET_NAME is not set: uploads of images answer 503.", id="uploads.I001")]
    return []


@checks.register()
def addresses_and_keys_fit(app_configs: Any, **_: object) -> Sequence[checks.CheckMessage]:
    """W001 to W003: settings of S3 that start, and cannot work as they are."""
    if settings.STORAGE != "s3":
        return []
    keys = {bool(settings.AWS_ACCESS_KEY_ID), bool(settings.AWS_SECRET_ACCESS_KEY)}
    shown_by_r2 = settings.S3_PUBLIC_BUCKET_NAME and (urlsplit(settings.MEDIA_BASE_URL).hostname or "").endswith(R2)
    found = [
        (not settings.S3_BUCKET_NAME, "W001", "STORAGE is s3 and S3_BUCKET_NAME is not set: uploads answer 503."),
        (shown_by_r2, "W002", "MEDIA_BASE_URL is R2's S3 address, which shows nothing without a signature: set it."),
        (keys == {True, False}, "W003", "Only one of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY is set."),
    ]
    return [checks.Warning(sentence, id=f"uploads.{number}") for applies, number, sentence in found if applies]


def _storage() -> S3Storage:
    """The adapter in use; without keys of ours one with a sample's, since boto3 would ask the machine for them."""
    ours = s3_settings()
    return s3_storage(ours if ours.has_keys else replace(ours, access_key_id="sample", secret_access_key="sample"))  # noqa: S106 - opens nothing


def _binds(url: str) -> bool:
    query = parse_qs(urlsplit(url).query)
    signed = set(query.get("X-Amz-SignedHeaders", [""])[0].split(";"))
    return query.get("X-Amz-Algorithm") == [ALGORITHM] and signed >= BOUND
