"""What each move does to a locked item, beside its state; `cms.actions.publishing` makes the moves."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cms import consent, gaps, snapshots
from cms.actions import revisions
from cms.constants import RevisionKind, State
from cms.errors import NotPublishable
from cms.models import ContentItem, Publishable, Revision
from cms.snapshots import Snapshot
from cms.walltime import instant_of
from common.actor import Actor
from common.errors import FieldError, ValidationFailed


@dataclass(frozen=True)
class Act:
    """Who makes a move, when, and what they say about it; the times of a schedule.

    `as_scheduled` publishes the scheduled revision, else it is the newest draft.
    """

    by: Actor
    now: datetime
    comment: str = ""
    publish_at: datetime | None = None
    unpublish_at: datetime | None = None
    as_scheduled: bool = False


def _go_live(item: Publishable, act: Act) -> None:
    revision = item.scheduled_revision if act.as_scheduled else None
    if revision is not None:
        if consent.lacking(item, "scheduled_revision", snapshots.newest(item)):
            raise NotPublishable(errors=[FieldError("required", "Consent was withdrawn.", f"#/{item.CONSENT_KEY}")])
        _show(item, revision, gaps.publishable(type(item), snapshots.of(type(item), revision)), act)
        return
    snapshot = gaps.publishable(type(item), snapshots.newest(item))
    revision = revisions.add(
        item=item, snapshot=snapshot, kind=RevisionKind.PUBLISH, by=act.by, now=act.now, comment=act.comment
    )
    item.edited_at = act.now
    if isinstance(item, ContentItem):
        item.draft_slug, item.draft_title = snapshot["slug"], snapshot[item.NAME_KEY]
    _show(item, revision, snapshot, act)


def _show(item: Publishable, revision: Revision, snapshot: Snapshot, act: Act) -> None:
    """Put the values of a revision where readers find them; a withdrawal that is planned for later stays planned."""
    snapshots.fill(item, snapshot)
    snapshots.write_relations(item, snapshot)
    revision.published_at = revision.published_at or act.now
    revision.save(update_fields=["published_at"])
    if item.live_revision_id is None:
        item.published_at = act.now
    item.first_published_at = item.first_published_at or act.now
    item.updated_at = act.now
    item.live_revision = revision
    item.scheduled_revision = item.publish_at = None
    if item.unpublish_at is not None and item.unpublish_at <= act.now:
        item.unpublish_at = None
    if isinstance(item, ContentItem):
        revisions.hold_slugs(item=item, by=act.by)
        revisions.remember_slug(item=item, by=act.by, now=act.now)


def _go_private(item: Publishable, act: Act) -> None:
    """Take the live values away: from now on the columns hold the newest draft's."""
    item.live_revision = None
    _call_off(item)
    revisions.follow(item=item, snapshot=snapshots.newest(item), by=act.by)


def _plan(item: Publishable, act: Act) -> None:
    """Keep the newest draft as what is published at that time; what is missing is said now rather than then."""
    publish_at, unpublish_at = _times(item, act)
    snapshot = gaps.publishable(type(item), snapshots.newest(item))
    item.scheduled_revision = revisions.enter(
        item=item, snapshot=snapshot, kind=RevisionKind.SCHEDULE, by=act.by, now=act.now, comment=act.comment
    )
    item.publish_at, item.unpublish_at = publish_at, unpublish_at


def _times(item: Publishable, act: Act) -> tuple[datetime, datetime | None]:
    """The two instants; a first one that has passed is allowed, and is made up for at once."""
    assert act.publish_at is not None  # noqa: S101 - `publishing.schedule` always gives it
    publish_at = instant_of(act.publish_at, pointer="#/publish_at")
    if act.unpublish_at is None:
        return publish_at, None
    unpublish_at = instant_of(act.unpublish_at, pointer="#/unpublish_at")
    fault = ""
    if not isinstance(item, ContentItem):
        fault = "The site's settings cannot be taken off the site."
    elif unpublish_at <= publish_at:
        fault = "It must come off the site after it goes on it."
    elif unpublish_at <= act.now:
        fault = "This time has passed already."
    if fault:
        raise ValidationFailed(errors=[FieldError("invalid", fault, "#/unpublish_at")])
    return publish_at, unpublish_at


def _unplan(item: Publishable, act: Act) -> None:
    _call_off(item)
    newest, live = item.latest_revision, item.live_revision
    if newest is not None and live is not None and newest != live and newest.sha256 == live.sha256:
        newest.published_at = live.published_at  # what was planned says what is live, word for word
        if newest.kind == RevisionKind.AUTOSAVE:  # its author's next one would take its place
            newest.kind, newest.since_version = RevisionKind.SAVE, None
        newest.save(update_fields=["published_at", "kind", "since_version"])
        item.live_revision = newest
    if isinstance(item, ContentItem):
        revisions.hold_slugs(item=item, by=act.by)


def _call_off(item: Publishable) -> None:
    item.scheduled_revision = item.publish_at = item.unpublish_at = None


def _into_trash(item: Publishable, act: Act) -> None:
    assert isinstance(item, ContentItem)  # noqa: S101 - the move is for content only
    if item.state == State.SCHEDULED:
        item.state = State.DRAFT
    _call_off(item)
    item.deleted_at, item.deleted_by = act.now, act.by.label[:254]
    revisions.hold_slugs(item=item, by=act.by)


def _out_of_trash(item: Publishable, act: Act) -> None:
    assert isinstance(item, ContentItem)  # noqa: S101 - the move is for content only
    item.deleted_at, item.deleted_by = None, ""
    revisions.hold_slugs(item=item, by=act.by)


EFFECTS: dict[str, Callable[[Publishable, Act], None]] = {
    "schedule": _plan,
    "unschedule": _unplan,
    "publish": _go_live,
    "unpublish": _go_private,
    "archive": _go_private,
    "trash": _into_trash,
    "restore": _out_of_trash,
}
