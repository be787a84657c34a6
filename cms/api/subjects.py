"""What staff's requests are about: an item of a type by its slug or id, or the one row of a type without a list."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response

from cms import reading, rights, selectors, snapshots
from cms.api.query import Selection
from cms.constants import State
from cms.drafted import Visible
from cms.models import Publishable
from cms.output import Row
from cms.registry import ContentType, Singleton
from cms.snapshots import Snapshot
from cms.writing import Writable
from common.api.preconditions import row_etag
from common.errors import NotFound, PermissionDenied

PRIVATE = "private, no-store"


class Subject(Protocol):
    """What the staff's views need to know of either."""

    @property
    def model(self) -> type[Any]:
        """The table."""

    @property
    def keys(self) -> tuple[Writable, ...]:
        """What may be written."""

    def find(self, user: Any, name: str) -> Any:
        """Return the row with its revisions; raises NotFound."""

    def shown(self, user: Any, item: Any, snapshot: Snapshot) -> Row:
        """Return a version as staff see it, without the keys of the row."""


@dataclass(frozen=True)
class Item:
    """The items of a type."""

    kind: ContentType

    @property
    def model(self) -> type[Any]:
        """The table."""
        return self.kind.model

    @property
    def keys(self) -> tuple[Writable, ...]:
        """What may be written."""
        return self.kind.writable

    def find(self, user: Any, name: str) -> Any:
        """Return the item by its live slug, its draft's, or its id."""
        return selectors.item_for(user, self.kind, name)

    def shown(self, user: Any, item: Any, snapshot: Snapshot) -> Row:
        """Return the detail with what only staff read."""
        outputs = (*self.kind.outputs.values(), *self.kind.draft_outputs)
        return reading.drafts([(item, snapshot)], outputs, visible=visible_to(user), media_ids=True)[0]


@dataclass(frozen=True)
class TheOne:
    """The row of a type that has one."""

    one: Singleton

    @property
    def model(self) -> type[Any]:
        """The table."""
        return self.one.model

    @property
    def keys(self) -> tuple[Writable, ...]:
        """What may be written."""
        return self.one.writable

    def find(self, user: Any, name: str) -> Any:
        """Return the row."""
        found = selectors.the_row_of(self.one)
        if found is None:
            raise NotFound("Nothing was written here yet.")
        return found

    def shown(self, user: Any, item: Any, snapshot: Snapshot) -> Row:
        """Return the answer."""
        return reading.singleton_draft(self.one, item, snapshot, media_ids=True)


def visible_to(user: Any) -> Visible:
    """Return how other content is narrowed that drafts may name: to what this colleague may see, trash aside."""
    return partial(_visible, user)


def _visible(user: Any, rows: QuerySet[Any]) -> QuerySet[Any]:
    if rights.sees_every_draft(user):
        return rows.filter(deleted_at__isnull=True)
    readable = rights.readable(user, rows.model).filter(deleted_at__isnull=True)
    return rows.filter(pk__in=readable.values("pk"))


def version_for(user: Any, item: Publishable) -> tuple[Publishable, Snapshot]:
    """Return the newest version that this colleague may read, with the row as they may know it.

    For those who may not read the draft that is the public version, and nothing tells of a newer one.
    """
    if item.live_revision is None or rights.may_see_draft(user, item):
        return item, snapshots.newest(item)
    known = copy.copy(item)
    known.state, known.publish_at, known.latest_revision = State.LIVE, None, item.live_revision
    return known, snapshots.of(type(item), item.live_revision)


def drafts_of(user: Any, items: Sequence[Publishable], selection: Selection) -> list[Row]:
    """Return the answers of items in the shape that a request asks for."""
    versions = [version_for(user, item) for item in items]
    return reading.drafts(versions, selection.outputs, selection.includes, visible=visible_to(user), media_ids=True)


def answer(request: Request, subject: Subject, item: Any, *, status: int = 200) -> Response:
    """Answer with the draft view of a row, and its ETag."""
    known, snapshot = version_for(request.user, item)
    shown = subject.shown(request.user, known, snapshot)
    return private(Response({**shown, **reading.staff_keys(known)}, status=status), item)


def private(response: Response, item: Any = None) -> Response:
    """Mark an answer as staff's own; with a row, name its version."""
    response["Cache-Control"] = PRIVATE
    if item is not None:
        response["ETag"] = row_etag(item.lock_version)
    return response


def demand_write(user: Any, item: Publishable) -> None:
    """Raise PermissionDenied for those who may not change this draft."""
    if not rights.may_write(user, item):
        raise PermissionDenied


def demand_draft(user: Any, item: Publishable) -> None:
    """Raise PermissionDenied for those who may not read this item's versions."""
    if not rights.may_see_draft(user, item):
        raise PermissionDenied
