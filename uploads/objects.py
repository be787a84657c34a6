"""Writes the objects that are served, and deletes them. The rows are their callers' business."""

from pathlib import Path
from typing import Any

from uploads.constants import RULES, THUMBNAIL_TYPE, Bucket
from uploads.decode import Decoded
from uploads.models import File
from uploads.storage import get_storage

MOST_OBJECTS_OF_A_FILE = 100


def clean_prefix(clean_key: str) -> str:
    """The folder of everything that is served of a file, with its slash."""
    return clean_key.rpartition("/")[0] + "/"


def served_keys(file: File) -> list[str]:
    """Every object that a ready file names: what was validated, and its thumbnails."""
    return [file.clean_key, *(one["key"] for one in file.thumbnails)]


def publish_objects(file: File, decoded: Decoded, folder: Path) -> None:
    """Put the validated bytes and the thumbnails under the file's reserved key, over what a dead worker left there."""
    storage, bucket, prefix = get_storage(), RULES[file.purpose].bucket, clean_prefix(file.clean_key)
    for output in decoded.thumbnails:
        storage.put(bucket, prefix + output.name, folder / output.name, content_type=THUMBNAIL_TYPE)
    storage.put(bucket, file.clean_key, folder / decoded.original, content_type=file.declared_type)


def served_values(clean_key: str, decoded: Decoded, folder: Path) -> dict[str, Any]:
    """The columns that describe what is served."""
    return {
        "clean_size": (folder / decoded.original).stat().st_size,
        "width": decoded.width,
        "height": decoded.height,
        "color": decoded.color,
        "blur_data_url": decoded.blur_data_url,
        "thumbnails": [
            {"width": one.width, "height": one.height, "key": clean_prefix(clean_key) + one.name}
            for one in decoded.thumbnails
        ],
    }


def discard(bucket: Bucket, prefix: str) -> None:
    """Delete every object under a file's folder."""
    storage = get_storage()
    for info in storage.list(bucket, prefix, limit=MOST_OBJECTS_OF_A_FILE):
        storage.delete(bucket, info.key)
