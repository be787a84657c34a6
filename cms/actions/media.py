"""Pictures: what is said about a ready file."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction

from audit.actions import record
from cms.actions import version
from cms.errors import FileNotReady
from cms.models import MediaAsset
from common.actor import Actor, ActorKind
from common.clock import db_now
from common.errors import NotFound
from common.target import Target
from common.validation import check
from uploads import selectors as uploads

WRITABLE = frozenset(
    {
        "alt",
        "decorative",
        "caption",
        "credit",
        "licence",
        "licence_until",
        "focal_x",
        "focal_y",
        "folder",
    }
)


@transaction.atomic
def create(
    *,
    file: Any,
    alt: str,
    by: Actor,
    decorative: bool = False,
    caption: str = "",
    credit: str = "",
    licence: str = "",
    licence_until: date | None = None,
    folder: str = "",
    focal_x: float = 0.5,
    focal_y: float = 0.5,
    now: datetime | None = None,
) -> MediaAsset:
    """Make a picture of a ready image file (the row or its id), and return it.

    Raises FileNotReady for any other file, ValidationFailed for words or a focal point out of range.
    """
    asset = MediaAsset(
        file=_ready(file),
        alt=alt,
        decorative=decorative,
        caption=caption,
        credit=credit,
        licence=licence,
        licence_until=licence_until,
        folder=folder,
        focal_x=focal_x,
        focal_y=focal_y,
        created_at=now or db_now(),
        created_by_id=UUID(by.id) if by.kind is ActorKind.STAFF else None,
    )
    asset.image = _described(asset.file)
    check(asset, validate_unique=False)
    asset.save(force_insert=True)
    record(action="media.created", by=by, target=Target.of(asset), after={"alt": alt, "file": str(asset.file_id)})
    return asset


@transaction.atomic
def update(*, asset: MediaAsset, values: Mapping[str, Any], by: Actor) -> MediaAsset:
    """Change the words or the focal point, and return the row; every use of the picture follows."""
    row = MediaAsset.objects.select_for_update().get(pk=asset.pk)
    before = {key: getattr(row, key) for key in values if key in WRITABLE}
    changed = {key: value for key, value in values.items() if key in WRITABLE and value != before[key]}
    if not changed:
        return row
    for key, value in changed.items():
        setattr(row, key, value)
    check(row, validate_unique=False)
    row.save(update_fields=list(changed))
    record(
        action="media.updated",
        by=by,
        target=Target.of(row),
        before={key: str(before[key]) for key in changed},
        after={key: str(changed[key]) for key in changed},
    )
    version.bump(by=by)
    return row


def _described(file: Any) -> dict[str, Any]:
    """Copy what readers need of a file, with paths below `MEDIA_BASE_URL` in place of addresses."""
    return {
        "width": file.width,
        "height": file.height,
        "color": file.color,
        "blur_data_url": file.blur_data_url,
        "src": _path(uploads.public_url(file)),
        "variants": [
            {"width": one.width, "height": one.height, "type": one.type, "path": _path(one.url)}
            for one in uploads.variants(file)
        ],
    }


def _path(url: str) -> str:
    return url.removeprefix(settings.MEDIA_BASE_URL)


def _ready(file: Any) -> Any:
    try:
        found = uploads.ready_file(getattr(file, "pk", file), lock=True)
    except NotFound as fault:
        raise FileNotReady from fault
    if not found.width or not uploads.public_url(found):
        raise FileNotReady("A picture needs an image file that is public.")
    return found
