"""The workflow: one function that makes every move, with one audit event for each."""

from datetime import datetime
from typing import TypeVar

from django.db import transaction

from audit.actions import record
from cms import workflow
from cms.actions import changes, version
from cms.actions.effects import EFFECTS, Act
from cms.constants import State
from cms.errors import InvalidTransition
from cms.locks import locked
from cms.models import ContentItem, Publishable
from common.actor import Actor
from common.clock import db_now
from common.errors import FieldError, PreconditionFailed, ValidationFailed
from common.target import Target

T = TypeVar("T", bound=Publishable)


def transition(
    *,
    item: T,
    move: str,
    by: Actor,
    comment: str = "",
    now: datetime | None = None,
    expected_version: int | None = None,
) -> T:
    """Make one move of `workflow.MOVES` and return the row.

    Raises PreconditionFailed when the row is no more at `expected_version`, InvalidTransition when it cannot make the
    move now, NotPublishable when something is missing, SlugTaken when it cannot have its slug back. Publishing what is
    already public as it is changes nothing. A schedule needs times: see `schedule`.
    """
    if move == "schedule":
        raise ValidationFailed(errors=[FieldError("required", "Say when.", "#/publish_at")])
    return perform(
        item=item, move=move, act=Act(by, now or db_now(), comment), by=by, expected_version=expected_version
    )


@transaction.atomic
def perform(*, item: T, move: str, act: Act, by: Actor, expected_version: int | None = None, problem: str = "") -> T:
    """Make the move that `act` describes: the only writer of `state`. `problem` is kept with the item."""
    row = locked(item)
    if expected_version is not None and expected_version != row.lock_version:
        raise PreconditionFailed
    step = workflow.MOVES[move]
    if move not in workflow.allowed(row):
        members = {"state": row.state, "allowed": workflow.allowed(row)}
        raise InvalidTransition(f"An item that is {row.get_state_display().lower()} cannot do this.", members=members)
    if move == "publish" and row.state == State.LIVE and not row.has_unpublished_changes:
        return row
    before, public_at = _standing(row), row.slug if isinstance(row, ContentItem) and row.is_public else None
    if move in EFFECTS:
        EFFECTS[move](row, act)
    row.state = workflow.ends_in(row, step)
    row.schedule_problem = problem
    row.lock_version += 1
    row.save()
    record(action=step.event, by=by, target=Target.of(row), before=before, after=_standing(row), reason=act.comment)
    if step.public:
        number = version.bump(by=by)
        changes.note(item=row, published=row.is_public, previous_slug=public_at, version=number, by=by, now=act.now)
    return row


def _standing(row: Publishable) -> dict[str, str]:
    """Where the row stands, for the event."""
    found = {"state": row.state, "slug": row.slug if isinstance(row, ContentItem) else ""}
    times = {"publish_at": row.publish_at, "unpublish_at": row.unpublish_at}
    return {key: value for key, value in found.items() if value} | {
        key: value.isoformat() for key, value in times.items() if value
    }


def schedule(
    *,
    item: T,
    publish_at: datetime,
    by: Actor,
    unpublish_at: datetime | None = None,
    comment: str = "",
    expected_version: int | None = None,
    now: datetime | None = None,
) -> T:
    """Let the newest draft become public at `publish_at`, and come off the site at `unpublish_at`.

    Naive times are the studio's local ones. What is public stays so until then. A passed `publish_at` is made up for
    by the next run of the job. Raises like `transition`, and ValidationFailed for a time that clocks skip and for an
    `unpublish_at` that is not after `publish_at` and after now, or of the settings.
    """
    act = Act(by, now or db_now(), comment, publish_at, unpublish_at)
    return perform(item=item, move="schedule", act=act, by=by, expected_version=expected_version)


def publish(
    *, item: T, by: Actor, comment: str = "", expected_version: int | None = None, now: datetime | None = None
) -> T:
    """Make the newest draft public."""
    return transition(item=item, move="publish", by=by, comment=comment, now=now, expected_version=expected_version)


def unpublish(
    *, item: T, by: Actor, comment: str = "", expected_version: int | None = None, now: datetime | None = None
) -> T:
    """Take the item off the site; its address answers 410."""
    return transition(item=item, move="unpublish", by=by, comment=comment, now=now, expected_version=expected_version)


def archive(
    *, item: T, by: Actor, comment: str = "", expected_version: int | None = None, now: datetime | None = None
) -> T:
    """Take the item off the site for good, and keep it."""
    return transition(item=item, move="archive", by=by, comment=comment, now=now, expected_version=expected_version)


def submit(
    *, item: T, by: Actor, comment: str = "", expected_version: int | None = None, now: datetime | None = None
) -> T:
    """Hand the draft in for review."""
    return transition(item=item, move="submit", by=by, comment=comment, now=now, expected_version=expected_version)


def unsubmit(
    *, item: T, by: Actor, comment: str = "", expected_version: int | None = None, now: datetime | None = None
) -> T:
    """Take the draft back from review."""
    return transition(item=item, move="unsubmit", by=by, comment=comment, now=now, expected_version=expected_version)


def unschedule(
    *, item: T, by: Actor, comment: str = "", expected_version: int | None = None, now: datetime | None = None
) -> T:
    """Call a schedule off, and a withdrawal that is planned; what is public stays so."""
    return transition(item=item, move="unschedule", by=by, comment=comment, now=now, expected_version=expected_version)


def trash(
    *, item: T, by: Actor, comment: str = "", expected_version: int | None = None, now: datetime | None = None
) -> T:
    """Put what is not public into the trash, where it stays for `TRASH_DAYS`."""
    return transition(item=item, move="trash", by=by, comment=comment, now=now, expected_version=expected_version)


def restore(
    *, item: T, by: Actor, comment: str = "", expected_version: int | None = None, now: datetime | None = None
) -> T:
    """Take an item out of the trash, as a draft."""
    return transition(item=item, move="restore", by=by, comment=comment, now=now, expected_version=expected_version)
