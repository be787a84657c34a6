"""Rows that stand beside an item: its revisions and its slugs. Called by the actions of drafts and publishing."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction

from cms import snapshots
from cms.constants import RevisionKind
from cms.errors import SlugTaken
from cms.models import ContentItem, Publishable, Revision, SlugClaim, SlugHistory
from cms.snapshots import Snapshot
from common.actor import Actor
from common.errors import FieldError


def add(
    *, item: Publishable, snapshot: Snapshot, kind: RevisionKind, by: Actor, now: datetime, comment: str = ""
) -> Revision:
    """Write the next revision of a locked item and make it the newest; the caller saves the item."""
    base = item.latest_revision
    revision = Revision.objects.create(
        item_type=str(item._meta.model_name),
        item_id=str(item.pk),
        number=base.number + 1 if base else 1,
        kind=kind,
        snapshot=snapshot,
        schema_version=snapshots.SCHEMA_VERSION,
        sha256=snapshots.digest(snapshot),
        base=base,
        author_kind=by.kind.value,
        author_id=by.id[:64],
        author_label=by.label[:254],
        comment=comment,
        created_at=now,
    )
    item.latest_revision = revision
    return revision


def claim_slugs(*, item: ContentItem, slugs: Iterable[str], by: Actor) -> None:
    """Make `slugs` the ones that this item holds; SlugTaken when another item of the type holds one."""
    kind, wanted = str(item._meta.model_name), set(slugs)
    held = SlugClaim.objects.filter(item_type=kind, item_id=str(item.pk))
    held.exclude(slug__in=wanted).delete()
    missing = wanted - set(held.values_list("slug", flat=True))
    try:
        with transaction.atomic():
            SlugClaim.objects.bulk_create(
                SlugClaim(item_type=kind, item_id=str(item.pk), slug=slug) for slug in missing
            )
    except IntegrityError as fault:
        error = FieldError("slug_taken", "Another item has this address.", "#/slug")
        raise SlugTaken(errors=[error]) from fault


def remember_slug(*, item: ContentItem, by: Actor, now: datetime) -> None:
    """Note that the item's live slug is public now; whoever had it before has lost it."""
    SlugHistory.objects.update_or_create(
        item_type=item._meta.model_name,
        slug=item.slug,
        defaults={"item_id": str(item.pk)},
        create_defaults={"item_id": str(item.pk), "public_since": now},
    )
