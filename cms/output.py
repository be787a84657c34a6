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
from common.api.serializers import MoneySerializer
from common.instants import instant

Row = dict[str, Any]
Schema = serializers.Field[Any, Any, Any, Any] | serializers.BaseSerializer[Any]
JSON_TYPES = frozenset({type(None), str, bool, int, float, list, dict})
Batch = Callable[[Sequence[Row]], Mapping[Any, Any]]


@dataclass(frozen=True)
class Output:
    """One key of an answer. `batch` is for what another table knows: one query for all rows, by their id."""

    name: str
    schema: Schema
    read: Callable[[Row], Any] = lambda _row: None
    columns: tuple[str, ...] = ()
    annotations: Mapping[str, Any] = field(default_factory=dict)
    batch: Batch | None = None


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
        name, ImageSerializer(allow_null=True), lambda row: image(row[label]), (), {label: image_json(source)}
    )


def money(name: str, amount: str, currency: str) -> Output:
    """An amount with its currency, or null."""

    def read(row: Row) -> dict[str, Any] | None:
        return None if row[amount] is None else {"amount": row[amount], "currency": row[currency]}

    return Output(name, MoneySerializer(allow_null=True), read, (amount, currency))


def many(name: str, schema: Schema, queryset: QuerySet[Any], /, **members: str) -> Output:
    """A list of small objects that one subquery gathers; `queryset` refers to the row by OuterRef and is ordered."""
    label = f"_{name}"
    return Output(name, schema, lambda row: row[label], (), {label: gathered(queryset, **dict[str, Any](members))})


def gathered(queryset: QuerySet[Any], /, *, limit: int | None = None, **members: Any) -> "Func[Any]":
    """Return the expression of a list of at most `limit` JSON objects, which arrives as one text to parse."""
    found = ArraySubquery(queryset.annotate(found=JSONObject(**members)).values_list("found")[:limit])
    return Func(found, function="to_jsonb", output_field=JSONField())


def one(name: str, schema: Schema, queryset: QuerySet[Any], /, **members: str) -> Output:
    """One small object that a subquery finds, or null."""
    label = f"_{name}"
    subquery = Subquery(queryset.values(found=JSONObject(**members))[:1])
    return Output(name, schema, lambda row: row[label], (), {label: subquery})


def image_json(relation: str) -> JSONObject:
    """Return the expression that gathers a picture over a foreign key to MediaAsset."""
    return JSONObject(
        id=f"{relation}__id",
        alt=f"{relation}__alt",
        x=f"{relation}__focal_x",
        y=f"{relation}__focal_y",
        image=f"{relation}__image",
    )


def image(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Make the API's image object of what `image_json` gathered."""
    if found is None or found["id"] is None:
        return None
    base, about = settings.MEDIA_BASE_URL, found["image"]
    return {
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
