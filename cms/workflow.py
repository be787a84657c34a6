"""The moves that content can make, as data; `cms.actions.publishing` makes them."""

from collections.abc import Callable
from dataclasses import dataclass

from cms.constants import State
from cms.models import ContentItem, Publishable


def _always(_item: Publishable) -> bool:
    return True


def _if_public(item: Publishable) -> bool:
    return item.is_public


def _unless_public(item: Publishable) -> bool:
    return not item.is_public


def _if_planned(item: Publishable) -> bool:
    """Something is to happen to it by itself."""
    return item.state == State.SCHEDULED or item.unpublish_at is not None


@dataclass(frozen=True)
class Move:
    """From which states, and `when`, to which one (None: it stays), with the audit event.

    `while_public` is where it ends instead while a live revision stands; `public` if readers see a difference.
    """

    sources: frozenset[State]
    target: State | None
    event: str
    when: Callable[[Publishable], bool] = _always
    while_public: State | None = None
    public: bool = False
    from_trash: bool = False
    settings_too: bool = False


def _of(*states: State) -> frozenset[State]:
    return frozenset(states)


_BEFORE_LIVE = _of(State.DRAFT, State.IN_REVIEW)
_SHOWN = _of(State.LIVE, State.SCHEDULED)
MOVES: dict[str, Move] = {
    "submit": Move(_of(State.DRAFT), State.IN_REVIEW, "content.submitted"),
    "unsubmit": Move(_of(State.IN_REVIEW), State.DRAFT, "content.unsubmitted"),
    "schedule": Move(_BEFORE_LIVE | {State.LIVE}, State.SCHEDULED, "content.scheduled", settings_too=True),
    "unschedule": Move(
        _SHOWN, State.DRAFT, "content.unscheduled", when=_if_planned, while_public=State.LIVE, settings_too=True
    ),
    "publish": Move(frozenset(State), State.LIVE, "content.published", public=True, settings_too=True),
    "unpublish": Move(_SHOWN, State.DRAFT, "content.unpublished", when=_if_public, public=True),
    "archive": Move(_of(State.LIVE), State.ARCHIVED, "content.archived", public=True),
    "trash": Move(_BEFORE_LIVE | {State.SCHEDULED, State.ARCHIVED}, None, "content.trashed", when=_unless_public),
    "restore": Move(_BEFORE_LIVE | {State.ARCHIVED}, State.DRAFT, "content.restored", from_trash=True),
}


def allowed(item: Publishable) -> list[str]:
    """Name the moves that the item can make now."""
    content = isinstance(item, ContentItem)
    trashed = isinstance(item, ContentItem) and item.deleted_at is not None
    return [
        name
        for name, move in MOVES.items()
        if item.state in move.sources
        and move.when(item)
        and move.from_trash == trashed
        and (content or move.settings_too)
    ]


def ends_in(item: Publishable, move: Move) -> str:
    """Return the state in which the move leaves the item, once its effect has happened."""
    target = move.while_public if move.while_public and item.is_public else move.target
    return target or item.state
