"""Writing drafts. What is public does not change here, save when a consent is withdrawn."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.utils.text import slugify

from audit.actions import record
from cms import snapshots
from cms.actions import publishing, revisions
from cms.constants import RESERVED_SLUGS, SLUG_MAX, RevisionKind
from cms.locks import locked
from cms.models import ContentItem, Publishable, SlugClaim
from cms.snapshots import Snapshot
from common.actor import Actor, ActorKind
from common.clock import db_now
from common.errors import PreconditionFailed
from common.target import Target

T = TypeVar("T", bound=Publishable)
LONGEST_AUDITED_TEXT = 200


@transaction.atomic
def create(
    *, model: type[T], values: Mapping[str, Any], by: Actor, now: datetime | None = None, comment: str = ""
) -> T:
    """Create an item as a draft, nowhere public, and return it.

    `values` are named after the model's fields (see `snapshots.merged`); a slug that is not given is made from the
    title. Raises ValidationFailed, and SlugTaken for a given slug that another item of the type has.
    """
    now = now or db_now()
    snapshot = snapshots.merged(model, snapshots.blank(model), values)
    item = model(created_at=now, edited_at=now, updated_at=now)
    if isinstance(item, ContentItem):
        snapshot["slug"] = snapshot["slug"] or _free_slug(item, snapshot)
        item.created_by_id = UUID(by.id) if by.kind is ActorKind.STAFF else None
    snapshot = snapshots.cleaned(model, snapshot)
    snapshots.fill(item, snapshot)
    _note_draft(item, snapshot)
    if isinstance(item, ContentItem):
        revisions.claim_slugs(item=item, slugs=[item.draft_slug], by=by)
    item.save(force_insert=True)
    snapshots.write_relations(item, snapshot)
    revisions.add(item=item, snapshot=snapshot, kind=RevisionKind.SAVE, by=by, now=now, comment=comment)
    item.lock_version = 1
    item.save(update_fields=["latest_revision", "lock_version"])
    record(action="content.created", by=by, target=Target.of(item), after=_words(snapshot))
    return item


@transaction.atomic
def save(
    *,
    item: T,
    values: Mapping[str, Any],
    by: Actor,
    expected_version: int | None = None,
    now: datetime | None = None,
    comment: str = "",
) -> T:
    """Save a draft as a new revision, and return the item; nothing is written when nothing changed.

    While the item is public its live values stay as they are. Emptying a recorded consent takes it off the site at
    once. Raises ValidationFailed, SlugTaken, and PreconditionFailed when `expected_version` is not the row's.
    """
    row = locked(item)
    if expected_version is not None and expected_version != row.lock_version:
        raise PreconditionFailed
    before = snapshots.newest(row)
    snapshot = snapshots.merged(type(row), before, values)
    if isinstance(row, ContentItem) and not snapshot["slug"]:
        snapshot["slug"] = row.draft_slug
    snapshot = snapshots.cleaned(type(row), snapshot)
    if snapshot == before:
        return row
    now = now or db_now()
    if isinstance(row, ContentItem):
        revisions.claim_slugs(
            item=row, slugs={snapshot["slug"], row.slug} if row.is_public else {snapshot["slug"]}, by=by
        )
    revisions.add(item=row, snapshot=snapshot, kind=RevisionKind.SAVE, by=by, now=now, comment=comment)
    _note_draft(row, snapshot)
    row.edited_at = now
    row.lock_version += 1
    if not row.is_public:
        snapshots.fill(row, snapshot)
        snapshots.write_relations(row, snapshot)
    row.save()
    changed = {key for key in snapshot if snapshot[key] != before.get(key)}
    record(
        action="content.saved",
        by=by,
        target=Target.of(row),
        reason=comment,
        before=_words({key: before.get(key) for key in changed}),
        after=_words({key: snapshot[key] for key in changed}),
    )
    if row.is_public and row.consent_withdrawn(snapshot):
        row = publishing.unpublish(item=row, by=by, comment="Consent was withdrawn.", now=now)
    return row


def _note_draft(item: Publishable, snapshot: Snapshot) -> None:
    if isinstance(item, ContentItem):
        item.draft_slug = snapshot["slug"]
        item.draft_title = snapshot[item.NAME_KEY]


def _free_slug(item: ContentItem, snapshot: Snapshot) -> str:
    """Make a slug of the name that no other item of the type has, with a number if need be."""
    stem = (
        slugify(str(snapshot[item.NAME_KEY] or ""))[: SLUG_MAX - len("-9999")].strip("-_").replace("_", "-")
        or "untitled"
    )
    taken = set(
        SlugClaim.objects.filter(item_type=item._meta.model_name, slug__startswith=stem).values_list("slug", flat=True)
    )
    number, slug = 1, stem
    while slug in taken or slug in RESERVED_SLUGS:
        number += 1
        slug = f"{stem}-{number}"
    return slug


def _words(values: Mapping[str, Any]) -> dict[str, Any]:
    """Shorten long texts: the whole stands in the revision."""
    return {
        key: value[:LONGEST_AUDITED_TEXT] + "…"
        if isinstance(value, str) and len(value) > LONGEST_AUDITED_TEXT
        else value
        for key, value in values.items()
    }
