"""Rows of drafts, in the shape in which `cms.reading` takes rows of the database.

Columns come from the revision, relations from the keys that it names, by one query each for all drafts together. What
neither holds (a booking part, projects that name a service) is read from the row like that of public items.
"""

import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from django.db.models import F, QuerySet
from django.db.models.functions import JSONObject
from rest_framework import serializers

from cms import snapshots
from cms.constants import State
from cms.models import ContentItem, Publishable
from cms.output import Output, Related, Row, plain, with_media_ids
from cms.snapshots import Snapshot
from common.api.serializers import InstantField

Drafted = tuple[Publishable, Snapshot]
Visible = Callable[[QuerySet[Any]], QuerySet[Any]]

STAFF: tuple[Output, ...] = (
    plain("state", serializers.ChoiceField(choices=State.values)),
    plain("lock_version", serializers.IntegerField()),
    plain("publish_at", InstantField(allow_null=True)),
    plain("unpublish_at", InstantField(allow_null=True)),
    plain("live_revision", serializers.IntegerField(allow_null=True), "live_revision__number"),
    plain("latest_revision", serializers.IntegerField(allow_null=True), "latest_revision__number"),
    plain("deleted_at", InstantField(allow_null=True)),
)


def only_live(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Let a draft name only other content that is public: what those without an account may see."""
    live: QuerySet[Any] = rows.live()  # type: ignore[attr-defined]  # LiveQuerySet's
    return live


def rows(drafts: Sequence[Drafted], outputs: Iterable[Output], *, visible: Visible, media_ids: bool) -> list[Row]:
    """Return a row for each draft; `visible` narrows other content that it may name, `media_ids` marks pictures."""
    if not drafts:
        return []
    chosen = list(outputs)
    model = type(drafts[0][0])
    columns = dict.fromkeys(column for output in chosen for column in output.columns)
    related = {label: one for output in chosen for label, one in output.drafted.items()}
    beside = _beside(model, drafts, chosen)
    found = {label: _gathered(model, drafts, one, visible) for label, one in related.items()}
    made = []
    for number, draft in enumerate(drafts):
        names = {
            label: with_media_ids(values[number]) if media_ids else values[number] for label, values in found.items()
        }
        made.append({"id": draft[0].pk, **beside.get(draft[0].pk, {}), **_columns(draft, columns), **names})
    return made


def _columns(draft: Drafted, names: Iterable[str]) -> Row:
    item, snapshot = draft
    loaded = copy.copy(item)
    snapshots.fill(loaded, snapshot)
    loaded.updated_at = item.edited_at
    found = {name: _value(loaded, name) for name in names}
    if isinstance(item, ContentItem) and "title" in found:
        found["title"] = snapshot[item.NAME_KEY]
    return found


def _value(item: Any, path: str) -> Any:
    for step in path.split("__"):
        item = getattr(item, step, None)
    return item


def _beside(model: type[Publishable], drafts: Sequence[Drafted], outputs: Sequence[Output]) -> dict[Any, Row]:
    """What the rows themselves know, by one query; none where nothing of that kind is wanted."""
    wanted = {
        label: made for output in outputs for label, made in output.annotations.items() if label not in output.drafted
    }
    if not wanted:
        return {}
    rows: QuerySet[Any] = model._default_manager.filter(pk__in=[item.pk for item, _ in drafts])
    found: Iterable[Row] = rows.values(_key=F("pk"), **wanted)
    return {row.pop("_key"): row for row in found}


def _gathered(model: type[Publishable], drafts: Sequence[Drafted], related: Related, visible: Visible) -> list[Any]:
    """What each draft's relation names, in the shape that the live row's annotation has."""
    ordered = model.ORDERED.get(related.key)
    entries = [_entries(snapshot[related.key]) for _, snapshot in drafts]
    keys = [[entry[ordered.target] if ordered and ordered.texts else entry for entry in some] for some in entries]
    known = _known(related, {key for some in keys for key in some}, visible)
    found = []
    for some, named in zip(entries, keys, strict=True):
        pairs = list(zip(named, some, strict=True))
        if ordered and ordered.texts:
            values = [{**entry, ordered.target: known[key]} for key, entry in pairs if key in known]
        elif ordered:
            values = [known[key] for key in named if key in known]
        else:
            values = [value for key, value in known.items() if key in set(named)]
        found.append(related.shape(values))
    return found


def _entries(stored: Any) -> list[Any]:
    """The keys of a relation to many, or of one to one row."""
    return stored if isinstance(stored, list) else [] if stored is None else [stored]


def _known(related: Related, keys: set[str], visible: Visible) -> Mapping[str, Any]:
    if not keys:
        return {}
    rows = visible(related.rows) if issubclass(related.rows.model, ContentItem) else related.rows
    named = rows.filter(pk__in=keys).annotate(_named=JSONObject(**related.members)).values_list("pk", "_named")
    return {str(pk): value for pk, value in named}
