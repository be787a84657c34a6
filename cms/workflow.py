"""The moves that content can make, as data; `cms.actions.publishing` makes them."""

from dataclasses import dataclass

from cms.constants import State
from cms.models import ContentItem, Publishable


@dataclass(frozen=True)
class Move:
    """From which states to which one (None: it stays), and the audit event; `public` if readers see a difference."""

    sources: frozenset[State]
    target: State | None
    event: str
    public: bool = False
    from_trash: bool = False
    settings_too: bool = False


_NOT_PUBLIC = frozenset({State.DRAFT, State.IN_REVIEW, State.ARCHIVED})
_LIVE = frozenset({State.LIVE})
MOVES: dict[str, Move] = {
    "submit": Move(frozenset({State.DRAFT}), State.IN_REVIEW, "content.submitted"),
    "unsubmit": Move(frozenset({State.IN_REVIEW}), State.DRAFT, "content.unsubmitted"),
    "publish": Move(frozenset(State), State.LIVE, "content.published", public=True, settings_too=True),
    "unpublish": Move(_LIVE, State.DRAFT, "content.unpublished", public=True),
    "archive": Move(_LIVE, State.ARCHIVED, "content.archived", public=True),
    "trash": Move(_NOT_PUBLIC, None, "content.trashed"),
    "restore": Move(_NOT_PUBLIC, State.DRAFT, "content.restored", from_trash=True),
}


def allowed(item: Publishable) -> list[str]:
    """Name the moves that the item's state allows."""
    content = isinstance(item, ContentItem)
    trashed = isinstance(item, ContentItem) and item.deleted_at is not None
    return [
        name
        for name, move in MOVES.items()
        if item.state in move.sources and move.from_trash == trashed and (content or move.settings_too)
    ]
