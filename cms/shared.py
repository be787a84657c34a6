"""The keys, sorts and filters that every type has."""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.postgres.search import SearchQuery
from django.db.models import F, QuerySet
from rest_framework import serializers

from cms.output import ImageSerializer, Output, Row, asset, image, image_json, plain
from cms.registry import Filter, Kind, Ordering
from cms.writing import own
from common.api.serializers import InstantField
from common.links import absolute

SLUGS_MAX = 50
NEVER_PUBLIC = "null in a draft that was never public."

HEAD: tuple[Output, ...] = (
    plain("id", serializers.UUIDField()),
    plain("slug", serializers.CharField()),
    plain("title", serializers.CharField()),
)
TAIL: tuple[Output, ...] = (
    plain("featured", serializers.BooleanField()),
    plain("position", serializers.IntegerField()),
    plain("published_at", InstantField(allow_null=True, help_text=NEVER_PUBLIC)),
    plain("updated_at", InstantField()),
)


WRITABLE = own("slug", "featured", "position", "seo_title", "seo_description", "og_image", "canonical_url", "noindex")


class SeoSerializer(serializers.Serializer[Any]):
    """What search engines and shared links show."""

    title = serializers.CharField()
    description = serializers.CharField(allow_blank=True)
    image = ImageSerializer(allow_null=True)
    noindex = serializers.BooleanField()


class LinksSerializer(serializers.Serializer[Any]):
    """Where this answer and the page for people stand."""

    self = serializers.URLField()
    canonical = serializers.URLField()


def _seo(row: Row) -> dict[str, Any]:
    return {
        "title": row["seo_title"] or row["title"],
        "description": row["seo_description"],
        "image": image(row["_og_image"]),
        "noindex": row["noindex"],
    }


def site_url(page: str, slug: str) -> str:
    """Return the address of an item's page for people: on the separate front end when there is one."""
    path = f"/{page}/{slug}"
    return f"{settings.FRONTEND_URL}{path}" if settings.FRONTEND_URL else absolute(path)


def detail_tail(path: str, page: str) -> tuple[Output, ...]:
    """Return the keys that every detail of a type has beside those of its rows."""

    def links(row: Row) -> dict[str, str]:
        canonical = row["canonical_url"] or site_url(page, row["slug"])
        return {"self": absolute(f"/api/{path}/{row['slug']}"), "canonical": canonical}

    return (
        plain("first_published_at", InstantField(allow_null=True, help_text=NEVER_PUBLIC)),
        Output(
            "seo",
            SeoSerializer(),
            _seo,
            ("seo_title", "title", "seo_description", "noindex"),
            {"_og_image": image_json("og_image")},
            drafted={"_og_image": asset("og_image")},
        ),
        Output("links", LinksSerializer(), links, ("slug", "canonical_url")),
    )


def both_ways(name: str) -> dict[str, Ordering]:
    """Return a sort and its reverse; rows without a value come last either way."""
    return {name: (F(name).asc(nulls_last=True),), f"-{name}": (F(name).desc(nulls_last=True),)}


def sorts(*names: str) -> dict[str, Ordering]:
    """Return sorts by columns that always have a value, each with its reverse."""
    return {sign + name: (sign + name,) for name in names for sign in ("", "-")}


def _by_slug(queryset: QuerySet[Any], slugs: Sequence[str]) -> QuerySet[Any]:
    return queryset.filter(slug__in=slugs)


def _featured(queryset: QuerySet[Any], wanted: bool) -> QuerySet[Any]:  # noqa: FBT001 - a filter's value
    return queryset.filter(featured=wanted)


def _words(queryset: QuerySet[Any], text: str) -> QuerySet[Any]:
    return queryset.filter(search=SearchQuery(text, config="english", search_type="websearch"))


FILTERS: tuple[Filter, ...] = (
    Filter("slug", Kind.SLUGS, _by_slug, f"Only these, repeatable up to {SLUGS_MAX} times."),
    Filter("featured", Kind.BOOLEAN, _featured, "Only what is, or is not, featured."),
    Filter("q", Kind.TEXT, _words, "Words that the text must hold."),
)
