"""Files that staff take out of this back end and that no row of ours describes."""

from pathlib import Path

from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.target import Target
from uploads.constants import EXPORT_PREFIX, Bucket
from uploads.storage import get_storage


def store_export(*, path: Path, name: str, content_type: str, by: Actor) -> str:
    """Put a file into the private bucket under `exports/` and return its key; `name` is lower case and without spaces.

    Only presigned URLs and the bucket's owner read it. Raises `StorageNotConfigured`, `StorageUnavailable`, and
    `ValueError` for a name that is no key of ours.
    """
    key = f"{EXPORT_PREFIX}/{name}"
    storage = get_storage()
    storage.require(Bucket.PRIVATE)
    storage.put(Bucket.PRIVATE, key, path, content_type=content_type)
    with transaction.atomic():
        record(action="file.export_stored", by=by, target=Target("uploads.export", name), meta={"key": key})
    return key
