"""Writing drafts. What is public does not change here, save when a consent is withdrawn."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils.text import slugify

from audit.actions import record
from cms import cleaning, consent, snapshots, workflow
from cms.actions import publishing, revisions
from cms.constants import COMMENT_MAX, RESERVED_SLUGS, SLUG_MAX, RevisionKind
from cms.errors import InvalidTransition
from cms.locks import locked
from cms.models import ContentItem, Publishable, Revision, SlugClaim
from cms.snapshots import Snapshot
from common.actor import Actor, ActorKind
from common.clock import db_now
from common.errors import FieldError, PreconditionFailed, ValidationFailed
from common.target import Target

T = TypeVar("T", bound=Publishable)
LONGEST_AUDITED_TEXT = 200
WITHDRAWN = "Consent was withdrawn."


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
    item = model(created_at=now, edited_at=now, updated_at=now, lock_version=1)
    if isinstance(item, ContentItem):
        snapshot["slug"] = snapshot["slug"] or _free_slug(item, snapshot)
        item.created_by_id = UUID(by.id) if by.kind is ActorKind.STAFF else None
    snapshot = cleaning.cleaned(model, _recorded(model, {}, snapshot, by))
    snapshots.fill(item, snapshot)
    if isinstance(item, ContentItem):
        item.draft_slug, item.draft_title = snapshot["slug"], snapshot[item.NAME_KEY]
        revisions.claim_slugs(item=item, slugs=[item.draft_slug], by=by)
    revisions.add(item=item, snapshot=snapshot, kind=RevisionKind.SAVE, by=by, now=now, comment=comment)
    item.save(force_insert=True)
    snapshots.write_relations(item, snapshot)
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

    While the item is public its live values stay as they are. Emptying a recorded consent takes it off the site, or
    off the schedule, at once. Raises ValidationFailed, SlugTaken, InvalidTransition for an item in the trash, and
    PreconditionFailed when `expected_version` is not the row's, unless all that happened since are autosaves of the
    same person: their form holds what these held.
    """
    row = locked(item)
    if expected_version is not None and expected_version != row.lock_version:
        _refuse_unless_own(row, expected_version, by)
    before = snapshots.newest(row)
    snapshot = _next(row, before, values, by)
    if snapshot == before:
        return _kept(row, by, comment)
    return entered(item=row, snapshot=snapshot, kind=RevisionKind.SAVE, by=by, now=now or db_now(), comment=comment)


@transaction.atomic
def autosave(*, item: T, values: Mapping[str, Any], by: Actor, expected_version: int, now: datetime | None = None) -> T:
    """Save what somebody is typing, in the place of their autosave before it, and return the item.

    The result is the newest draft like any other, so `lock_version` rises: the form goes on with the one that is
    returned. An event is written for the first autosave of a sitting only; `save` makes a version of it that stays.
    Raises like `save`, but PreconditionFailed for every other version: two windows of one person do not overwrite
    each other unseen.
    """
    row = locked(item)
    if expected_version != row.lock_version:
        raise PreconditionFailed
    before = snapshots.newest(row)
    snapshot = _next(row, before, values, by)
    if snapshot == before:
        return row
    now = now or db_now()
    if _own_autosave(row, by) is None:
        _autosaves_of(row, by).delete()
        return entered(item=row, snapshot=snapshot, kind=RevisionKind.AUTOSAVE, by=by, now=now)
    revisions.replace(item=row, snapshot=snapshot, by=by, now=now)
    return _written(row, snapshot, by, now)


@transaction.atomic
def entered(*, item: T, snapshot: Snapshot, kind: RevisionKind, by: Actor, now: datetime, comment: str = "") -> T:
    """Make a cleaned snapshot the newest draft of a locked item, with its event, and return the item.

    What a withdrawn consent entails is done too.
    """
    before, version = snapshots.newest(item), item.lock_version
    revision = revisions.enter(item=item, snapshot=snapshot, kind=kind, by=by, now=now, comment=comment)
    if kind is RevisionKind.AUTOSAVE:
        revision.since_version = version
        revision.save(update_fields=["since_version"])
    changed = [key for key in snapshot if snapshot[key] != before[key]]
    record(
        action="content.autosaved" if kind is RevisionKind.AUTOSAVE else "content.saved",
        by=by,
        target=Target.of(item),
        reason=comment,
        before=_words({key: before[key] for key in changed}),
        after=_words({key: snapshot[key] for key in changed}),
    )
    return _written(item, snapshot, by, now)


def refuse_trashed(*, item: Publishable, by: Actor) -> None:
    """Raise InvalidTransition for an item in the trash: its slug may be another's by now."""
    if isinstance(item, ContentItem) and item.deleted_at is not None:
        members = {"state": item.state, "allowed": workflow.allowed(item)}
        raise InvalidTransition("What is in the trash cannot be edited. Take it out first.", members=members)


def _next(row: Publishable, before: Snapshot, values: Mapping[str, Any], by: Actor) -> Snapshot:
    """The draft after these values, cleaned."""
    refuse_trashed(item=row, by=by)
    snapshot = _recorded(type(row), before, snapshots.merged(type(row), before, values), by)
    if isinstance(row, ContentItem) and not snapshot["slug"]:
        snapshot["slug"] = row.draft_slug
    selfish = cleaning.names_itself(row, snapshot)
    if selfish:
        raise ValidationFailed(errors=[FieldError("invalid", "It cannot name itself.", f"#/{key}") for key in selfish])
    return cleaning.cleaned(type(row), snapshot, strict=values.keys())


def _recorded(model: type[Publishable], before: Mapping[str, Any], snapshot: Snapshot, by: Actor) -> Snapshot:
    """Write down who vouches for what this draft newly says."""
    return {**snapshot, **model.recorded(before, snapshot, by.label)}


def _written(row: T, snapshot: Snapshot, by: Actor, now: datetime) -> T:
    """Save the row of a newer draft; without consent nothing stays public or scheduled."""
    row.edited_at = now
    row.lock_version += 1
    row.schedule_problem = ""
    row.save()
    if consent.lacking(row, "live_revision", snapshot):
        return publishing.unpublish(item=row, by=by, comment=WITHDRAWN, now=now)
    if consent.lacking(row, "scheduled_revision", snapshot):
        return publishing.unschedule(item=row, by=by, comment=WITHDRAWN, now=now)
    return row


def _own_autosave(row: Publishable, by: Actor) -> Revision | None:
    """The newest draft, if it is an autosave of this person."""
    newest = row.latest_revision
    if newest is None or newest.kind != RevisionKind.AUTOSAVE:
        return None
    return newest if (newest.author_kind, newest.author_id) == (by.kind.value, by.id) else None


def _autosaves_of(row: Publishable, by: Actor) -> QuerySet[Revision]:
    kind = str(row._meta.model_name)
    rows = Revision.objects.filter(item_type=kind, item_id=str(row.pk), kind=RevisionKind.AUTOSAVE)
    return rows.filter(author_kind=by.kind.value, author_id=by.id)


def _refuse_unless_own(row: Publishable, expected_version: int, by: Actor) -> None:
    own = _own_autosave(row, by)
    if own is None or own.since_version is None or not own.since_version <= expected_version <= row.lock_version:
        raise PreconditionFailed


def _kept(row: T, by: Actor, comment: str) -> T:
    """Let an autosave that its author now saves stay; anything else is saved already."""
    own = _own_autosave(row, by)
    if own is not None:
        own.kind, own.comment, own.since_version = RevisionKind.SAVE, comment[:COMMENT_MAX], None
        own.save(update_fields=["kind", "comment", "since_version"])
        record(action="content.saved", by=by, target=Target.of(row), reason=comment)
    return row


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
