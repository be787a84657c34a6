"""How a type's answer is made: each key says which columns it needs and how its value is read from a row.

Rows are dictionaries of `QuerySet.values()`: only what the chosen keys need is selected, relations come as JSON that
the database puts together, and no model instance is built.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Func, JSONField, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject
from rest_framework import serializers

from cms import rich_text
from cms.models import MediaAsset
from common.api.serializers import MoneySerializer
from common.instants import instant

Row = dict[str, Any]
Schema = serializers.Field[Any, Any, Any, Any] | serializers.BaseSerializer[Any]
JSON_TYPES = frozenset({type(None), str, bool, int, float, list, dict})
Batch = Callable[[Sequence[Row]], Mapping[Any, Any]]
IMAGE_MEMBERS = {"id": "id", "alt": "alt", "x": "focal_x", "y": "focal_y", "image": "image"}
SHOW_ID = "show_id"


def first(found: Sequence[Any]) -> Any:
    """Return the first of what was found, or None."""
    return found[0] if found else None


@dataclass(frozen=True)
class Related:
    """How a draft's relation is read, which only its revision knows: `key` names it there.

    `rows` are those that it may name, in their order where the relation has none of its own; `shape` makes the value
    that the live row's annotation has, out of one object of `members` for each row that was found.
    """

    key: str
    rows: QuerySet[Any]
    members: Mapping[str, Any]
    shape: Callable[[list[Any]], Any] = list


@dataclass(frozen=True)
class Output:
    """One key of an answer.

    `batch` is for what another table knows: one query for all rows, by their id. `drafted` says for annotations that
    hang on the item's own relations how a draft has them; the others are the live row's also in a draft.
    """

    name: str
    schema: Schema
    read: Callable[[Row], Any] = lambda _row: None
    columns: tuple[str, ...] = ()
    annotations: Mapping[str, Any] = field(default_factory=dict)
    batch: Batch | None = None
    drafted: Mapping[str, Related] = field(default_factory=dict)


def plain(name: str, schema: Schema, column: str = "") -> Output:
    """A column as it is; instants, days and ids become text."""
    source = column or name
    return Output(name, schema, lambda row: scalar(row[source]), (source,))


def scalar(value: Any) -> Any:
    """Return a column's value as JSON holds it."""
    if type(value) in JSON_TYPES:
        return value
    if isinstance(value, datetime):
        return instant(value)
    return value.isoformat() if isinstance(value, date) else str(value)


def rich(name: str) -> Output:
    """A rich text with its plain text and table of contents."""
    return Output(name, RichTextSerializer(), lambda row: rich_text.render(row[name]), (name,))


def picture(name: str, column: str = "") -> Output:
    """A picture, or null."""
    source = column or name
    label = f"_{name}"
    return Output(
        name,
        ImageSerializer(allow_null=True),
        lambda row: image(row[label]),
        (),
        {label: image_json(source)},
        drafted={label: asset(source)},
    )


def asset(key: str) -> Related:
    """A draft's picture."""
    return Related(key, MediaAsset.objects.all(), IMAGE_MEMBERS, first)


def money(name: str, amount: str, currency: str) -> Output:
    """An amount with its currency, or null."""

    def read(row: Row) -> dict[str, Any] | None:
        return None if row[amount] is None else {"amount": row[amount], "currency": row[currency]}

    return Output(name, MoneySerializer(allow_null=True), read, (amount, currency))


def many(
    name: str, schema: Schema, queryset: QuerySet[Any], /, *, of: QuerySet[Any] | None = None, **members: str
) -> Output:
    """A list of small objects that one subquery gathers; `queryset` refers to the row by OuterRef and is ordered.

    `of` is given where the item's own relation of this name holds them: the rows that a draft may name.
    """
    label = f"_{name}"
    drafted = {} if of is None else {label: Related(name, of, members)}
    found = {label: gathered(queryset, **dict[str, Any](members))}
    return Output(name, schema, lambda row: row[label], (), found, drafted=drafted)


def gathered(queryset: QuerySet[Any], /, *, limit: int | None = None, **members: Any) -> "Func[Any]":
    """Return the expression of a list of at most `limit` JSON objects, which arrives as one text to parse."""
    found = ArraySubquery(queryset.annotate(found=JSONObject(**members)).values_list("found")[:limit])
    return Func(found, function="to_jsonb", output_field=JSONField())


def one(
    name: str, schema: Schema, queryset: QuerySet[Any], /, *, of: QuerySet[Any] | None = None, **members: str
) -> Output:
    """One small object that a subquery finds, or null; `of` is as in `many`."""
    label = f"_{name}"
    drafted = {} if of is None else {label: Related(name, of, members, first)}
    subquery = Subquery(queryset.values(found=JSONObject(**members))[:1])
    return Output(name, schema, lambda row: row[label], (), {label: subquery}, drafted=drafted)


def image_json(relation: str) -> JSONObject:
    """Return the expression that gathers a picture over a foreign key to MediaAsset."""
    return JSONObject(**{name: f"{relation}__{column}" for name, column in IMAGE_MEMBERS.items()})


def with_media_ids(found: Any) -> Any:
    """Mark every gathered picture, so that `image` names its id: staff write pictures by it."""
    if isinstance(found, list):
        return [with_media_ids(one) for one in found]
    if not isinstance(found, dict):
        return found
    if IMAGE_MEMBERS.keys() <= found.keys():
        return {**found, SHOW_ID: True}
    return {name: with_media_ids(value) for name, value in found.items()}


def image(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Make the API's image object of what `image_json` gathered."""
    if found is None or found["id"] is None:
        return None
    base, about = settings.MEDIA_BASE_URL, found["image"]
    shown: dict[str, Any] = {
        "alt": found["alt"],
        "width": about["width"],
        "height": about["height"],
        "focal": {"x": found["x"], "y": found["y"]},
        "color": about["color"] or None,
        "blur_data_url": about["blur_data_url"] or None,
        "src": base + about["src"],
        "variants": [
            {"width": one["width"], "height": one["height"], "type": one["type"], "url": base + one["path"]}
            for one in about["variants"]
        ],
    }
    if SHOW_ID in found:
        shown["id"] = found["id"]
    return shown


def term(name: str, of: QuerySet[Any]) -> Output:
    """The tag, category or technology of a foreign key, one of `of`, or null."""
    label = f"_{name}"
    found = JSONObject(slug=f"{name}__slug", name=f"{name}__name")
    drafted = Related(name, of, {"slug": "slug", "name": "name"}, first)
    schema = TermSerializer(allow_null=True)
    return Output(name, schema, lambda row: _known(row[label]), (), {label: found}, drafted={label: drafted})


def _known(found: Row | None) -> Row | None:
    return None if found is None or found["slug"] is None else found


def of_row(*relation: str) -> Q:
    """Return the condition that a subquery's relation is the outer row: `of_row("posts")`."""
    return Q(**{name: OuterRef("pk") for name in relation})


class VariantSerializer(serializers.Serializer[Any]):
    """One size of a picture."""

    width = serializers.IntegerField()
    height = serializers.IntegerField()
    type = serializers.CharField()
    url = serializers.URLField()


class FocalSerializer(serializers.Serializer[Any]):
    """What must stay in view, from the upper left corner, 0 to 1."""

    x = serializers.FloatField()
    y = serializers.FloatField()


class ImageSerializer(serializers.Serializer[Any]):
    """A picture; every address is immutable."""

    id = serializers.UUIDField(required=False, help_text="For staff, in drafts: pictures are written by it.")
    alt = serializers.CharField(allow_blank=True)
    width = serializers.IntegerField()
    height = serializers.IntegerField()
    focal = FocalSerializer()
    color = serializers.CharField(allow_null=True)
    blur_data_url = serializers.CharField(allow_null=True)
    src = serializers.URLField()
    variants = VariantSerializer(many=True)


class HeadingSerializer(serializers.Serializer[Any]):
    """One entry of a table of contents."""

    id = serializers.CharField()
    level = serializers.IntegerField()
    text = serializers.CharField()


class RichTextSerializer(serializers.Serializer[Any]):
    """Sanitised HTML with anchors, its plain text, its headings."""

    html = serializers.CharField(allow_blank=True)
    text = serializers.CharField(allow_blank=True)
    toc = HeadingSerializer(many=True)


class ReferenceSerializer(serializers.Serializer[Any]):
    """Other content; `include` puts its list row here."""

    slug = serializers.CharField()
    title = serializers.CharField()


class TermSerializer(serializers.Serializer[Any]):
    """A tag, category or technology."""

    slug = serializers.CharField()
    name = serializers.CharField()


class AuthorSerializer(serializers.Serializer[Any]):
    """Who wrote it."""

    slug = serializers.CharField()
    name = serializers.CharField()
    avatar = ImageSerializer(allow_null=True)
