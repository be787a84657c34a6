"""The store of objects: S3 or R2, or two folders of this machine."""

from functools import lru_cache
from pathlib import Path

from django.conf import settings

from uploads.constants import Bucket
from uploads.errors import StorageNotConfigured
from uploads.storage.base import (
    ObjectChangedError,
    ObjectInfo,
    ObjectMissingError,
    PartialUpload,
    PutOrder,
    ReadOrder,
    Storage,
)
from uploads.storage.local import LocalStorage
from uploads.storage.s3 import S3Settings, S3Storage

__all__ = [
    "ObjectChangedError",
    "ObjectInfo",
    "ObjectMissingError",
    "PartialUpload",
    "PutOrder",
    "ReadOrder",
    "Storage",
    "get_storage",
    "holds",
    "is_configured",
    "s3_settings",
    "s3_storage",
]


def is_configured() -> bool:
    """Whether this process has a store at all."""
    return settings.STORAGE == "local" or (settings.STORAGE == "s3" and bool(settings.S3_BUCKET_NAME))


def holds(bucket: Bucket) -> bool:
    """Whether there is a store with this bucket; no network."""
    try:
        get_storage().require(bucket)
    except StorageNotConfigured:
        return False
    return True


def get_storage() -> Storage:
    """Return the configured store. Raises `StorageNotConfigured`."""
    if not is_configured():
        raise StorageNotConfigured
    if settings.STORAGE == "local":
        return LocalStorage(Path(settings.MEDIA_ROOT), settings.PUBLIC_URL)
    return s3_storage(s3_settings())


def s3_settings() -> S3Settings:
    """Collect what the S3 adapter needs from the settings."""
    return S3Settings(
        private_bucket=settings.S3_BUCKET_NAME,
        public_bucket=settings.S3_PUBLIC_BUCKET_NAME,
        endpoint_url=settings.S3_ENDPOINT_URL,
        public_endpoint_url=settings.S3_PUBLIC_ENDPOINT_URL,
        region=settings.AWS_REGION,
        access_key_id=settings.AWS_ACCESS_KEY_ID,
        secret_access_key=settings.AWS_SECRET_ACCESS_KEY,
    )


@lru_cache(maxsize=2)
def s3_storage(configuration: S3Settings) -> S3Storage:
    """Return the adapter of this configuration; building a boto3 client costs some 50 ms."""
    return S3Storage(configuration)
