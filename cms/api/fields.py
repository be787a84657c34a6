"""How a value of a body is read: the DRF field that follows from the column or relation which it sets."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q, QuerySet
from rest_framework import serializers

from cms import parts, rights
from cms.constants import PARTS_MAX, SLUG_MAX
from cms.fields import PartsField
from cms.models import ContentItem, MediaAsset, Ordered, Publishable
from cms.parts import Key, Kind
from cms.validators import validate_link
from common.api.serializers import (
    InstantField,
    StrictBooleanField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
    StrictUUIDField,
)
from common.weekdays import Weekday

Field = serializers.Field[Any, Any, Any, Any]


class StrictDateField(serializers.DateField):
    """A day in a JSON string."""

    def to_internal_value(self, value: Any) -> Any:
        """The day."""
        if not isinstance(value, str):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class StrictChoiceField(serializers.ChoiceField):
    """One of some words, in a JSON string."""

    def to_internal_value(self, data: Any) -> Any:
        """The word."""
        if not isinstance(data, str):
            self.fail("invalid_choice", input=data)
        return super().to_internal_value(data)


class SlugField(StrictCharField):
    """The slug of another row, live or of a draft, that the writer may see; its value is the row's key."""

    def __init__(self, target: type[models.Model], **kwargs: Any) -> None:
        self.target = target
        super().__init__(**{"max_length": SLUG_MAX, **kwargs})

    def run_validation(self, data: Any = serializers.empty) -> Any:
        """The key of the row, or None where none is allowed; looked up once the text is known to be short enough."""
        slug = super().run_validation(data)
        if slug is None:
            return None
        found = _by_slug(self.target, [slug], self.context)
        if slug not in found:
            raise serializers.ValidationError([unknown(slug)])
        return found[slug]


class SlugsField(serializers.ListField):
    """Slugs of other rows; the value is the list of their keys."""

    def __init__(self, target: type[models.Model], **kwargs: Any) -> None:
        self.target = target
        super().__init__(child=StrictCharField(max_length=SLUG_MAX), max_length=PARTS_MAX, **kwargs)

    def to_internal_value(self, data: Any) -> list[Any]:
        """The keys of the rows, by one query."""
        slugs = _few(super().to_internal_value(data))
        found = _by_slug(self.target, slugs, self.context)
        faults = {str(number): [unknown(slug)] for number, slug in enumerate(slugs) if slug not in found}
        if faults:
            raise serializers.ValidationError(faults)
        return [found[slug] for slug in slugs]


class MediaField(StrictUUIDField):
    """The id of a picture; whether there is one is for the model's own check."""


class EntriesField(serializers.ListField):
    """An ordered relation with texts: `[{"media": id, "caption": "…"}]`."""

    def __init__(self, entry: type[StrictSerializer], ordered: Ordered, **kwargs: Any) -> None:
        self.ordered = ordered
        super().__init__(child=entry(), max_length=PARTS_MAX, **kwargs)

    def to_internal_value(self, data: Any) -> list[Any]:
        """The entries, once it is known by one query that all of the pictures exist."""
        entries = _few(super().to_internal_value(data))
        target = self.ordered.target
        known = set(MediaAsset.objects.filter(pk__in=[entry[target] for entry in entries]).values_list("pk", flat=True))
        faults = {
            str(number): {target: [unknown(entry[target])]}
            for number, entry in enumerate(entries)
            if entry[target] not in known
        }
        if faults:
            raise serializers.ValidationError(faults)
        return entries


def _few(entries: list[Any]) -> list[Any]:
    """Refuse a long list before the database is asked for each of its entries."""
    if len(entries) > PARTS_MAX:
        raise serializers.ValidationError(f"At most {PARTS_MAX} entries are taken.", code="max_length")
    return entries


def unknown(named: Any) -> serializers.ErrorDetail:
    """The fault of a name that nothing has."""
    return serializers.ErrorDetail(f"There is no {named}.", code="unknown")


def _by_slug(target: type[models.Model], slugs: Sequence[str], context: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of rows by their slugs; content is found by the slug of its draft too, and never is the item itself."""
    if not slugs:
        return {}
    if not issubclass(target, ContentItem):
        return dict(target._default_manager.filter(slug__in=slugs).values_list("slug", "pk"))
    rows: QuerySet[Any] = rights.readable(context["user"], target).filter(deleted_at__isnull=True)
    named = rows.filter(Q(slug__in=slugs) | Q(draft_slug__in=slugs)).exclude(pk=context.get("item"))
    found: dict[str, Any] = {}
    for key, slug, draft_slug in named.values_list("pk", "slug", "draft_slug"):
        found |= {draft_slug: key, slug: key}
    return found


def field_of(model: type[models.Model], column: str, **options: Any) -> Field:
    """Return the field of a column or relation; `options` are DRF's."""
    about: Any = model._meta.get_field(column)
    if about.is_relation:
        return _relation(model, about, options)
    if isinstance(about, PartsField):
        return serializers.ListField(child=entry_of(model, column)(), max_length=PARTS_MAX, **options)
    for kind, made in COLUMNS.items():
        if isinstance(about, kind):
            field: Field = made(**options)
            return field
    if isinstance(about, models.IntegerField):
        return StrictIntegerField(**_bounds(about), **options)
    if about.choices:
        return StrictChoiceField(choices=[value for value, _ in about.choices], **options)
    return StrictCharField(allow_blank=about.blank, max_length=about.max_length, **options)


COLUMNS: dict[type[Any], type[Any]] = {
    models.BooleanField: StrictBooleanField,
    models.DateTimeField: InstantField,
    models.DateField: StrictDateField,
}


def _relation(model: type[models.Model], about: Any, options: Mapping[str, Any]) -> Field:
    ordered = model.ORDERED.get(about.name) if issubclass(model, Publishable) else None
    if ordered and ordered.texts:
        return EntriesField(_pair_of(model, about.name, ordered), ordered, **options)
    if about.many_to_many:
        return SlugsField(about.related_model, **options)
    return MediaField(**options) if about.related_model is MediaAsset else SlugField(about.related_model, **options)


def _bounds(about: Any) -> dict[str, Any]:
    """The tightest of what the column's validators and its type in the database allow."""
    least = [one.limit_value for one in about.validators if isinstance(one, MinValueValidator)]
    most = [one.limit_value for one in about.validators if isinstance(one, MaxValueValidator)]
    return ({"min_value": max(least)} if least else {}) | ({"max_value": min(most)} if most else {})


def camel(name: str) -> str:
    """Return `delivery_weeks` as `DeliveryWeeks`."""
    return "".join(word.capitalize() for word in name.split("_"))


def named(name: str, members: Mapping[str, Any], about: str) -> type[StrictSerializer]:
    """Return a strict serializer of these fields; the description calls it by `name`."""
    made: type[StrictSerializer] = type(f"{name}Serializer", (StrictSerializer,), {**members, "__doc__": about})
    return made


@functools.cache
def entry_of(model: type[models.Model], column: str) -> type[StrictSerializer]:
    """Return the serializer of one entry of an ordered part."""
    about: Any = model._meta.get_field(column)
    members = {key.name: _part(key) for key in about.keys}
    return named(f"{model.__name__}{camel(about.name)}Entry", members, f"One entry of {about.verbose_name}.")


def _part(key: Key) -> Field:
    if key.kind is Kind.WEEKDAY:
        return StrictIntegerField(min_value=min(Weekday.values), max_value=max(Weekday.values))
    options: dict[str, Any] = {"max_length": key.max_length, "allow_blank": not key.required}
    if not key.required:
        options |= {"required": False, "default": ""}
    if key.kind is Kind.LINK:
        options["validators"] = [validate_link]
    if key.kind is Kind.TIME:
        options["validators"] = [RegexValidator(rf"\A{parts.TIME.pattern}\Z", "A time such as 09:00 is wanted.")]
    return StrictCharField(**options)


@functools.cache
def _pair_of(model: type[models.Model], name: str, ordered: Ordered) -> type[StrictSerializer]:
    through = model._meta.apps.get_model(ordered.through)
    texts = {
        text: StrictCharField(
            required=False, default="", allow_blank=True, max_length=through._meta.get_field(text).max_length
        )
        for text in ordered.texts
    }
    members = {ordered.target: MediaField(), **texts}
    return named(f"{model.__name__}{camel(name)}Entry", members, f"One entry of {name}.")
