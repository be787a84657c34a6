"""What differs between two versions, as two columns: the older words on the left, the newer ones on the right."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model

from cms import diffing, rights
from cms.diffing import FieldChange, Part
from cms.models import ContentItem, MediaAsset, Publishable
from cms.snapshots import Snapshot

CONTEXT = 1  # unchanged blocks that are shown on either side of a change


@dataclass(frozen=True)
class Piece:
    """A piece of one column: `removed`, `added`, `same`, or `skipped` for unchanged blocks that are left out."""

    change: str
    text: str


@dataclass(frozen=True)
class Sides:
    """A field in two columns; `inline` when the pieces make one running text."""

    key: str
    label: str
    inline: bool
    left: list[Piece]
    right: list[Piece]


def of(item: Publishable, before: Snapshot, after: Snapshot, *, reader: Any) -> list[Sides]:
    """Return the fields that differ; other rows are called by the names that the reader may know."""
    model = type(item)
    names = _names(diffing.referred(model, before, after), reader)
    return [_sides(change) for change in diffing.diff(model, before, after, names)]


def _sides(change: FieldChange) -> Sides:
    inline = change.kind == "text"
    left = [part for part in change.parts if part.change != "added"]
    right = [part for part in change.parts if part.change != "removed"]
    source = change.kind == "rich_text" and _reads_alike(change.parts)
    return Sides(change.key, change.label, inline, *(_column(side, inline, source) for side in (left, right)))


def _reads_alike(parts: Iterable[Part]) -> bool:
    """Whether only the markup differs, so that the columns have to show it."""
    words: dict[str, list[str]] = {"removed": [], "added": [], "same": []}
    for part in parts:
        words[part.change].append(part.text)
    return words["removed"] == words["added"]


def _column(parts: list[Part], inline: bool, source: bool) -> list[Piece]:
    pieces = [Piece(part.change, part.html if source and part.html else part.text) for part in parts]
    return pieces if inline else _with_gaps(pieces)


def _with_gaps(pieces: list[Piece]) -> list[Piece]:
    """Leave out unchanged blocks that are far from every change."""
    changed = [place for place, piece in enumerate(pieces) if piece.change != "same"]
    shown: list[Piece] = []
    for place, piece in enumerate(pieces):
        if any(abs(place - one) <= CONTEXT for one in changed):
            shown.append(piece)
        elif not shown or shown[-1].change != "skipped":
            shown.append(Piece("skipped", "…"))
    return shown


def _names(keys: Mapping[type[Model], set[str]], reader: Any) -> dict[str, str]:
    """What the rows are called, by one query for each of their types."""
    found: dict[str, str] = {}
    for model, wanted in keys.items():
        if not wanted:
            continue
        if issubclass(model, ContentItem):
            rows = rights.readable(reader, model, keep=wanted).filter(pk__in=wanted)
            found |= {str(pk): title for pk, title in rows.values_list("pk", "shown_title")}
        else:
            found |= {str(row.pk): _called(row) for row in model._default_manager.filter(pk__in=wanted)}
    return found


def _called(row: Model) -> str:
    return (row.alt or f"Picture of {row.created_at:%d %b %Y}") if isinstance(row, MediaAsset) else str(row)
