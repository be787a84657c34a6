"""System checks: a store whose signatures bind nothing must not start."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core import checks

from uploads.storage import get_storage, is_configured
from uploads.storage.s3 import S3Storage


@checks.register()
def public_bucket_is_configured(app_configs: Any, **_: object) -> Sequence[checks.CheckMessage]:
    """I001: with one bucket only, image purposes answer 503."""
    if is_configured() and settings.STORAGE == "s3" and not settings.S3_PUBLIC_BUCKET_NAME:
        return [checks.Info("S3_PUBLIC_BUCKET_NAME is not set: uploads of images answer 503.", id="uploads.I001")]
    return []


@checks.register()
def signatures_are_version_four(app_configs: Any, **_: object) -> Sequence[checks.CheckMessage]:
    """E001: only signature version 4 binds length, type and checksum to a presigned URL."""
    if not is_configured() or settings.STORAGE != "s3":
        return []
    storage = get_storage()
    clients = (storage.client, storage.signer) if isinstance(storage, S3Storage) else ()
    if all(getattr(client.meta.config, "signature_version", "") == "s3v4" for client in clients):
        return []
    return [checks.Error("The S3 client does not sign with version 4 (s3v4).", id="uploads.E001")]
