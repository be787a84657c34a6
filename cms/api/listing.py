"""What a page of content asks of the database: the rows, the content version and the total, in one query."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from django.db.models import Count, F, IntegerField, QuerySet, Subquery, Value
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast, Coalesce
from rest_framework.request import Request

from cms import reading
from cms.api import query
from cms.api.query import Selection
from cms.compiled import Compiled
from cms.models import ContentVersion
from cms.output import Row
from cms.registry import ContentType
from cms.selectors import Version

KEPT = 256
MOST_ROWS = 2**31  # far past the end of any table, and far below what PostgreSQL takes as an offset
NUMBER, SINCE, TOTAL = "_version_number", "_version_since", "_total"
VERSION = ContentVersion.objects.filter(pk=1)
VERSION_BESIDE = {NUMBER: Subquery(VERSION.values("number")), SINCE: Subquery(VERSION.values("changed_at"))}


class Sliced(Protocol):
    """A queryset, or one that is compiled."""

    def __getitem__(self, bounds: slice, /) -> Iterable[Row]:
        """Return the rows between the bounds."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some rows, with the content version and the total of the same instant."""

    rows: list[Row]
    version: Version
    total: int


@dataclass(frozen=True, slots=True)
class Listing:
    """The rows in their order, each with the heading beside it, and the heading alone for where there are none."""

    rows: Sliced
    heading: Sliced

    def page(self, bounds: slice) -> Page:
        """Ask for these rows: one query, or two where no row is found."""
        rows = list(self.rows[bounds]) if bounds.stop <= MOST_ROWS else []
        head: Row = next(iter(rows or self.heading[0:1]), {NUMBER: None, TOTAL: 0})
        version = Version(1, None) if head[NUMBER] is None else Version(head[NUMBER], head[SINCE])
        return Page(rows, version, head[TOTAL])


_kept: dict[tuple[str | None, ...], Listing] = {}


def of(request: Request, kind: ContentType, selection: Selection) -> Listing:
    """Return the listing that a request asks for; raises ValidationFailed for a bad sort or filter.

    Without filters there are few different ones, so each is compiled once and kept. That is sound because neither
    `live()` nor a type's sorts and outputs hang on anything but the rows; a filter may.
    """
    if any(one.name in request.GET for one in kind.filters):
        return _made(request, kind, selection)
    key = (kind.name, *(output.name for output in selection.outputs), None, *request.GET.getlist("sort"))
    found = _kept.get(key)
    if found is None:
        made = _made(request, kind, selection)
        found = Listing(Compiled.of(made.rows), Compiled.of(made.heading))
        if len(_kept) >= KEPT:
            _kept.clear()
        _kept[key] = found
    return found


@dataclass(frozen=True, slots=True)
class _Made(Listing):
    rows: QuerySet[Any, Row]
    heading: QuerySet[Any, Row]


def _made(request: Request, kind: ContentType, selection: Selection) -> _Made:
    rows = query.filtered(request, kind.live(), kind.filters)
    ordered = query.ordered(request, rows, kind)
    is_whole = not any(one.name in request.GET for one in kind.filters)
    total = Coalesce(_known_total(kind), _total(rows)) if is_whole else _total(rows)
    beside = {**VERSION_BESIDE, TOTAL: total}
    return _Made(reading.selected(ordered, selection.outputs).annotate(**beside), _heading(total))


def _heading(total: Coalesce) -> QuerySet[Any, Row]:
    beside: dict[str, Any] = {NUMBER: F("number"), SINCE: F("changed_at"), TOTAL: total}
    row: QuerySet[Any, Any] = VERSION.values(**beside)
    return row


def _known_total(kind: ContentType) -> Subquery:
    """The total of a whole type as publishing keeps it, null while it was never counted."""
    known = Cast(KeyTextTransform(kind.name, "totals"), IntegerField())
    return Subquery(VERSION.values(_known=known), output_field=IntegerField())


def _total(rows: QuerySet[Any]) -> Coalesce:
    counted = rows.order_by().annotate(_all=Value(1)).values("_all").annotate(_count=Count("*")).values("_count")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


def item(kind: ContentType, slug: str, selection: Selection) -> tuple[Row | None, Version]:
    """Return the public item at `slug`, or None, with the content version of the same instant, by one query.

    Keys of other tables and includes cost one more each.
    """
    rows = reading.selected(kind.live().filter(slug=slug), selection.outputs).annotate(**VERSION_BESIDE)
    found = list(rows[:1])
    if not found:
        return None, Version(1, None)
    [answer] = reading.finished(found, selection.outputs, selection.includes)
    number, since = found[0][NUMBER], found[0][SINCE]
    return answer, Version(number, since) if number else Version(1, None)


def version_and_total(rows: QuerySet[Any]) -> tuple[Version, int]:
    """Return the content version and how many rows there are, by one query."""
    found = _heading(_total(rows)).first()
    return (Version(found[NUMBER], found[SINCE]), found[TOTAL]) if found else (Version(1, None), rows.count())
