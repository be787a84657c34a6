"""Rows that stand beside an item: its revisions and its slugs. Called by the other actions, which save the item."""

from collections.abc import Iterable
from datetime import datetime

from django.db import IntegrityError, transaction

from cms import snapshots
from cms.constants import COMMENT_MAX, RevisionKind
from cms.errors import SlugTaken
from cms.models import ContentItem, Publishable, Revision, SlugClaim, SlugHistory
from cms.snapshots import Snapshot
from common.actor import Actor
from common.errors import FieldError


def enter(
    *, item: Publishable, snapshot: Snapshot, kind: RevisionKind, by: Actor, now: datetime, comment: str = ""
) -> Revision:
    """Make the snapshot the newest draft of a locked item, by a new revision; the caller saves the item.

    The columns follow unless the item is public. Raises SlugTaken when another item of the type has the slug.
    """
    revision = add(item=item, snapshot=snapshot, kind=kind, by=by, now=now, comment=comment)
    follow(item=item, snapshot=snapshot, by=by)
    return revision


def follow(*, item: Publishable, snapshot: Snapshot, by: Actor) -> None:
    """Let the item's columns and slugs follow its newest draft."""
    if isinstance(item, ContentItem):
        item.draft_slug, item.draft_title = snapshot["slug"], snapshot[item.NAME_KEY]
    if not item.is_public:
        snapshots.fill(item, snapshot)
        snapshots.write_relations(item, snapshot)
    if isinstance(item, ContentItem):
        hold_slugs(item=item, by=by)


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
        comment=comment[:COMMENT_MAX],
        created_at=now,
    )
    item.latest_revision = revision
    return revision


def replace(*, item: Publishable, snapshot: Snapshot, by: Actor, now: datetime) -> None:
    """Put the snapshot in the place of what the newest revision, an autosave, holds."""
    revision = item.latest_revision
    assert revision is not None  # noqa: S101 - every item has one from its creation on
    revision.snapshot, revision.schema_version = snapshot, snapshots.SCHEMA_VERSION
    revision.sha256, revision.created_at = snapshots.digest(snapshot), now
    revision.save(update_fields=["snapshot", "schema_version", "sha256", "created_at"])
    follow(item=item, snapshot=snapshot, by=by)


def hold_slugs(*, item: ContentItem, by: Actor) -> None:
    """Claim every slug that the item has or is about to have: its live one, its draft's and the scheduled one.

    In the trash it has none. Raises SlugTaken.
    """
    slugs = {item.draft_slug}
    if item.is_public:
        slugs.add(item.slug)
    if item.scheduled_revision is not None:
        slugs.add(item.scheduled_revision.snapshot["slug"])
    claim_slugs(item=item, slugs=set() if item.deleted_at else slugs, by=by)


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
