"""The description of the addresses, made from the same declarations as the answers."""

import functools
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers

from cms.api.query import DRAFT, TEXT_MAX
from cms.constants import State
from cms.drafted import STAFF
from cms.registry import ContentType, Filter, Kind
from common.api.serializers import PageLinksSerializer
from common.pagination import DEFAULT_PER_PAGE, MOST_PER_PAGE

_TYPES: dict[Kind, Any] = {
    Kind.SLUG: OpenApiTypes.STR,
    Kind.SLUGS: OpenApiTypes.STR,
    Kind.BOOLEAN: OpenApiTypes.BOOL,
    Kind.NUMBER: OpenApiTypes.INT,
    Kind.INSTANT: OpenApiTypes.STR,
    Kind.TEXT: {"type": "string", "minLength": 1, "maxLength": TEXT_MAX},
}


class PageMetaSerializer(serializers.Serializer[Any]):
    """Where this page stands."""

    page = serializers.IntegerField()
    per_page = serializers.IntegerField()
    total = serializers.IntegerField()
    pages = serializers.IntegerField()
    content_version = serializers.IntegerField()


@functools.cache
def page_schema(name: str, row: type[serializers.Serializer[Any]]) -> type[serializers.Serializer[Any]]:
    """Return the serializer of a page of `row`."""
    members = {"data": row(many=True), "meta": PageMetaSerializer(), "links": PageLinksSerializer(), "__doc__": None}
    return type(f"{name}PageSerializer", (serializers.Serializer,), members)


def paging() -> list[OpenApiParameter]:
    """Return the parameters of every page list."""
    size = {"type": "integer", "minimum": 1, "maximum": MOST_PER_PAGE, "default": DEFAULT_PER_PAGE}
    return [
        OpenApiParameter(
            "page", {"type": "integer", "minimum": 1, "default": 1}, description="From 1; past the end is 404."
        ),
        OpenApiParameter("per_page", size),
    ]


def _words(name: str, allowed: list[str], about: str) -> OpenApiParameter:
    words = {"type": "array", "items": {"type": "string", "enum": allowed}}
    return OpenApiParameter(name, words, explode=False, style="form", description=about)


def shape_parameters(kind: ContentType) -> list[OpenApiParameter]:
    """Return `fields` and `include` of a type."""
    own = [output.name for output in (*kind.draft_outputs, *STAFF)]
    found = [
        _words(
            "fields",
            [*kind.outputs, *own],
            "Only these keys, whatever the answer's schema requires; the last ones are those of drafts.",
        )
    ]
    if kind.includes:
        found.append(_words("include", [one.key for one in kind.includes], "List rows in place of references."))
    return found


VIEW = OpenApiParameter(
    "view", {"type": "string", "enum": [DRAFT]}, description="The newest draft, for staff; never cached."
)
PREVIEW = OpenApiParameter("preview", OpenApiTypes.STR, description="The token of a preview link.")


def detail_parameters(kind: ContentType) -> list[OpenApiParameter]:
    """Return every parameter of a type's detail."""
    return [*shape_parameters(kind), VIEW, PREVIEW]


def draft_filters() -> list[OpenApiParameter]:
    """Return the filters that only a list of drafts takes."""
    states = {"type": "string", "enum": State.values}
    return [
        OpenApiParameter("state", states, description="With `view=draft`: where the newest draft stands."),
        OpenApiParameter("trash", OpenApiTypes.BOOL, description="With `view=draft`: what is in the trash."),
    ]


def list_parameters(kind: ContentType) -> list[OpenApiParameter]:
    """Return every parameter of a type's list."""
    sort = _words("sort", list(kind.sorts), f"`{kind.default_sort}` unless given; the id is always last.")
    return [
        *paging(), sort, *shape_parameters(kind), *(_filter(one) for one in kind.filters), VIEW, *draft_filters(),
    ]  # fmt: skip


def _filter(one: Filter) -> OpenApiParameter:
    if one.kind is Kind.SLUGS:
        return OpenApiParameter(
            one.name, OpenApiTypes.STR, many=True, explode=True, style="form", description=one.about
        )
    return OpenApiParameter(one.name, _TYPES[one.kind], description=one.about)
