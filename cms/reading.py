"""From a queryset of public rows to the dictionaries of an answer, in as few queries as the keys need."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from cms import drafted, registry
from cms.drafted import STAFF, Drafted, Visible
from cms.models import ContentItem, Publishable
from cms.output import Output, Row
from cms.registry import ContentType, Include, Singleton
from cms.snapshots import Snapshot


def selected(queryset: QuerySet[Any], outputs: Iterable[Output]) -> QuerySet[Any]:
    """Narrow the query to the columns that these keys are made of."""
    chosen = list(outputs)
    columns = dict.fromkeys(column for output in chosen for column in output.columns)
    annotations = {name: made for output in chosen for name, made in output.annotations.items()}
    return queryset.values("id", *(column for column in columns if column != "id"), **annotations)


def finished(
    rows: Sequence[Row], outputs: Sequence[Output], includes: Sequence[Include] = (), *, keep: bool = False
) -> list[Row]:
    """Make the answer of selected rows; batches and includes cost one query each for all rows.

    With `keep` a reference stays where there is no live row to put in its place.
    """
    found = {output.name: output.batch(rows) for output in outputs if output.batch and rows}
    answers = [
        {
            output.name: found[output.name].get(row["id"]) if output.name in found else output.read(row)
            for output in outputs
        }
        for row in rows
    ]
    for include in includes:
        _replace(answers, include, keep=keep)
    return answers


def _replace(answers: Sequence[Row], include: Include, *, keep: bool) -> None:
    """Put list rows in the place of references."""
    wanted = {reference["slug"] for answer in answers for reference in _references(answer, include)}
    other = registry.get(include.type_name)
    rows = list_rows(other, other.live().filter(slug__in=wanted)) if wanted else []
    by_slug = {row["slug"]: row for row in rows}
    for answer in answers:
        full = [
            by_slug.get(reference["slug"], reference)
            for reference in _references(answer, include)
            if keep or reference["slug"] in by_slug
        ]
        answer[include.key] = full if include.many else next(iter(full), None)


def _references(answer: Mapping[str, Any], include: Include) -> list[Mapping[str, Any]]:
    value = answer[include.key]
    return value if include.many else [value] if value else []


def list_rows(content_type: ContentType, queryset: QuerySet[Any]) -> list[Row]:
    """Return the list rows of a queryset (which may be sliced), as the API shows them."""
    outputs = content_type.list_outputs
    return finished(list(selected(queryset, outputs)), outputs)


def detail(
    content_type: ContentType, slug: str, *, outputs: Sequence[Output] | None = None, includes: Sequence[Include] = ()
) -> Row | None:
    """Return the public detail at `slug`, or None."""
    chosen = outputs if outputs is not None else list(content_type.outputs.values())
    rows = list(selected(content_type.live().filter(slug=slug), chosen)[:1])
    return finished(rows, chosen, includes)[0] if rows else None


def draft(content_type: ContentType, item: ContentItem, snapshot: Snapshot) -> Row:
    """Return the detail that `snapshot` would have if it were published, as its readers would get it.

    Other content that is not public stays out, as it would.
    """
    outputs = list(content_type.outputs.values())
    return drafts([(item, snapshot)], outputs, visible=drafted.only_live)[0]


def drafts(
    versions: Sequence[Drafted],
    outputs: Sequence[Output],
    includes: Sequence[Include] = (),
    *,
    visible: Visible,
    media_ids: bool = False,
) -> list[Row]:
    """Return the answers of drafts of one type: as many queries whatever their number.

    `visible` narrows other content that a draft may name; `media_ids` adds the ids of pictures.
    """
    rows = drafted.rows(versions, outputs, visible=visible, media_ids=media_ids)
    return finished(rows, outputs, includes, keep=True)


def singleton_draft(one: Singleton, item: Publishable, snapshot: Snapshot, *, media_ids: bool = False) -> Row:
    """Return the answer that `snapshot` of a type with one row would have if it were published."""
    rows = drafted.rows([(item, snapshot)], [one.output], visible=drafted.only_live, media_ids=media_ids)
    answer: Row = one.output.read(rows[0])
    return answer


def staff_keys(item: Publishable) -> Row:
    """Return what staff are told of an item beside its content; wants its revisions loaded."""
    row = drafted.rows([(item, {})], STAFF, visible=drafted.only_live, media_ids=False)[0]
    return {output.name: output.read(row) for output in STAFF}
