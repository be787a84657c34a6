"""The workflow: one function that makes every move, with one audit event for each."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db import transaction

from audit.actions import record
from cms import snapshots, workflow
from cms.actions import revisions, version
from cms.constants import RevisionKind, State
from cms.errors import InvalidTransition, NotPublishable
from cms.locks import locked
from cms.models import ContentItem, Publishable
from common.actor import Actor
from common.clock import db_now
from common.errors import FieldError
from common.target import Target

T = TypeVar("T", bound=Publishable)


@dataclass(frozen=True)
class Act:
    """Who makes a move, when, and what they say about it."""

    by: Actor
    now: datetime
    comment: str


def _go_live(item: Publishable, act: Act) -> None:
    snapshot = snapshots.newest(item)
    snapshots.fill(item, snapshot)
    snapshots.write_relations(item, snapshot)
    gaps = item.missing()
    if gaps:
        raise NotPublishable(errors=[FieldError("required", detail, f"#/{key}") for key, detail in gaps])
    revision = revisions.add(
        item=item, snapshot=snapshot, kind=RevisionKind.PUBLISH, by=act.by, now=act.now, comment=act.comment
    )
    if item.live_revision_id is None:
        item.published_at = act.now
    item.first_published_at = item.first_published_at or act.now
    item.updated_at = item.edited_at = act.now
    item.live_revision = revision
    item.scheduled_revision = item.publish_at = None
    if isinstance(item, ContentItem):
        item.draft_slug, item.draft_title = item.slug, snapshot[item.NAME_KEY]
        revisions.claim_slugs(item=item, slugs=[item.slug], by=act.by)
        revisions.remember_slug(item=item, by=act.by, now=act.now)


def _go_private(item: Publishable, act: Act) -> None:
    """Take the live values away: from now on the columns hold the newest draft's."""
    item.live_revision = item.scheduled_revision = None
    item.publish_at = item.unpublish_at = None
    snapshot = snapshots.newest(item)
    snapshots.fill(item, snapshot)
    snapshots.write_relations(item, snapshot)
    if isinstance(item, ContentItem):
        revisions.claim_slugs(item=item, slugs=[item.slug], by=act.by)


def _into_trash(item: Publishable, act: Act) -> None:
    assert isinstance(item, ContentItem)  # noqa: S101 - the move is for content only
    item.deleted_at, item.deleted_by = act.now, act.by.label[:254]
    revisions.claim_slugs(item=item, slugs=[], by=act.by)


def _out_of_trash(item: Publishable, act: Act) -> None:
    assert isinstance(item, ContentItem)  # noqa: S101 - the move is for content only
    item.deleted_at, item.deleted_by = None, ""
    revisions.claim_slugs(item=item, slugs=[item.slug], by=act.by)


EFFECTS: dict[str, Callable[[Publishable, Act], None]] = {
    "publish": _go_live,
    "unpublish": _go_private,
    "archive": _go_private,
    "trash": _into_trash,
    "restore": _out_of_trash,
}


@transaction.atomic
def transition(*, item: T, move: str, by: Actor, comment: str = "", now: datetime | None = None) -> T:
    """Make one move of `workflow.MOVES` and return the row; the only writer of `state`.

    Raises InvalidTransition when the state does not allow it, NotPublishable when something is missing, SlugTaken
    when an item cannot have its slug back. Publishing what is already public as it is changes nothing.
    """
    row = locked(item)
    step = workflow.MOVES[move]
    if move not in workflow.allowed(row):
        members = {"state": row.state, "allowed": workflow.allowed(row)}
        raise InvalidTransition(f"An item that is {row.get_state_display().lower()} cannot do this.", members=members)
    if move == "publish" and row.state == State.LIVE and not row.has_unpublished_changes:
        return row
    before = {"state": row.state, **_address(row)}
    act = Act(by, now or db_now(), comment)
    if move in EFFECTS:
        EFFECTS[move](row, act)
    row.state = step.target or row.state
    row.lock_version += 1
    row.save()
    record(
        action=step.event,
        by=by,
        target=Target.of(row),
        before=before,
        after={"state": row.state, **_address(row)},
        reason=comment,
    )
    if step.public:
        version.bump(by=by)
    return row


def _address(row: Publishable) -> dict[str, str]:
    return {"slug": row.slug} if isinstance(row, ContentItem) else {}


def publish(*, item: T, by: Actor, comment: str = "", now: datetime | None = None) -> T:
    """Make the newest draft public."""
    return transition(item=item, move="publish", by=by, comment=comment, now=now)


def unpublish(*, item: T, by: Actor, comment: str = "", now: datetime | None = None) -> T:
    """Take the item off the site; its address answers 410."""
    return transition(item=item, move="unpublish", by=by, comment=comment, now=now)


def archive(*, item: T, by: Actor, comment: str = "", now: datetime | None = None) -> T:
    """Take the item off the site for good, and keep it."""
    return transition(item=item, move="archive", by=by, comment=comment, now=now)


def submit(*, item: T, by: Actor, comment: str = "", now: datetime | None = None) -> T:
    """Hand the draft in for review."""
    return transition(item=item, move="submit", by=by, comment=comment, now=now)


def unsubmit(*, item: T, by: Actor, comment: str = "", now: datetime | None = None) -> T:
    """Take the draft back from review."""
    return transition(item=item, move="unsubmit", by=by, comment=comment, now=now)


def trash(*, item: T, by: Actor, comment: str = "", now: datetime | None = None) -> T:
    """Put what is not public into the trash."""
    return transition(item=item, move="trash", by=by, comment=comment, now=now)


def restore(*, item: T, by: Actor, comment: str = "", now: datetime | None = None) -> T:
    """Take an item out of the trash, as a draft."""
    return transition(item=item, move="restore", by=by, comment=comment, now=now)
