"""Django's default storage on S3, by django-storages, for packages that store files by themselves.

Our own files go through `S3Storage`; this shares its client's configuration, so that both sign alike.
"""

from typing import Any

from storages.backends.s3 import S3Storage as StoragesS3

from uploads.storage import s3_settings
from uploads.storage.s3 import client_config

FOLDER = "django"


class BucketStorage(StoragesS3):  # type: ignore[misc]  # django-storages has no types
    """The folder `django/` of the private bucket; nothing is ever overwritten, and reading needs a presigned URL."""

    def get_default_settings(self) -> dict[str, Any]:
        """What django-storages would read from settings of its own."""
        ours = s3_settings()
        defaults: dict[str, Any] = super().get_default_settings()
        return defaults | {
            "access_key": ours.access_key_id if ours.has_keys else None,
            "secret_key": ours.secret_access_key if ours.has_keys else None,
            "bucket_name": ours.private_bucket,
            "endpoint_url": ours.endpoint_url or None,
            "region_name": ours.region,
            "client_config": client_config(ours.endpoint_url),
            "location": FOLDER,
            "default_acl": None,
            "file_overwrite": False,
            "querystring_auth": True,
        }
