"""Posts in the public API, under the path `blogs`."""

from datetime import UTC, datetime
from typing import Any

from django.db.models import Count, Exists, OuterRef, QuerySet
from rest_framework import serializers

from cms import shared
from cms.models import Author, Category, Post, PostAuthor, RelatedPost, Tag
from cms.output import (
    AuthorSerializer,
    Output,
    ReferenceSerializer,
    Related,
    Row,
    TermSerializer,
    gathered,
    image,
    image_json,
    many,
    of_row,
    picture,
    plain,
    rich,
    term,
)
from cms.registry import ContentType, Filter, Include, Kind, register
from cms.writing import own

PATH, PAGE = "blogs", "blog"
RELATED_BY_TAGS = 3
RELATED_AMONG = 200  # newest posts; a common tag of a big blog would lead to most of its table


def _authors(row: Row) -> list[dict[str, Any]]:
    return [{"slug": one["slug"], "name": one["name"], "avatar": image(one["avatar"])} for one in row["_authors"]]


def _related(row: Row) -> list[dict[str, str]]:
    found: list[dict[str, str]] = row["_related"] or row["_alike"]
    return found


def _by_tag(queryset: QuerySet[Any], slug: str) -> QuerySet[Any]:
    return queryset.filter(Exists(Tag.objects.filter(slug=slug, posts=OuterRef("pk"))))


def _by_category(queryset: QuerySet[Any], slug: str) -> QuerySet[Any]:
    return queryset.filter(category__slug=slug)


def _by_author(queryset: QuerySet[Any], slug: str) -> QuerySet[Any]:
    return queryset.filter(Exists(Author.objects.filter(slug=slug, posts=OuterRef("pk"))))


def _by_year(queryset: QuerySet[Any], year: int) -> QuerySet[Any]:
    start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    return queryset.filter(published_at__gte=start, published_at__lt=end)


def _after(queryset: QuerySet[Any], instant: datetime) -> QuerySet[Any]:
    return queryset.filter(published_at__gte=instant)


def _before(queryset: QuerySet[Any], instant: datetime) -> QuerySet[Any]:
    return queryset.filter(published_at__lt=instant)


SIGNED_BY = PostAuthor.objects.filter(of_row("post")).order_by("position")
BY_NAME = Tag.objects.order_by("name", "id")
TAGS = BY_NAME.filter(of_row("posts"))
CHOSEN = RelatedPost.objects.filter(
    of_row("post"), related__live_revision__isnull=False, related__deleted_at__isnull=True
).order_by("position")
NEWEST = Post.objects.all().live().order_by("-published_at", "-id").values("pk")[:RELATED_AMONG]
ALIKE = (
    Post.objects.all()
    .live()
    .filter(of_row("tags__posts"), pk__in=NEWEST)
    .exclude(of_row("pk"))
    .annotate(shared_tags=Count("tags"))
    .order_by("-shared_tags", "-published_at", "id")
)

POST = register(
    ContentType(
        name="post",
        model=Post,
        operation="Post",
        path=PATH,
        page=PAGE,
        tag="posts",
        list_outputs=(
            *shared.HEAD,
            plain("excerpt", serializers.CharField()),
            picture("cover"),
            Output(
                "authors",
                AuthorSerializer(many=True),
                _authors,
                (),
                {
                    "_authors": gathered(
                        SIGNED_BY, slug="author__slug", name="author__name", avatar=image_json("author__avatar")
                    )
                },
                drafted={
                    "_authors": Related(
                        "authors",
                        Author.objects.all(),
                        {"slug": "slug", "name": "name", "avatar": image_json("avatar")},
                    )
                },
            ),
            term("category", Category.objects.all()),
            many("tags", TermSerializer(many=True), TAGS, of=BY_NAME, slug="slug", name="name"),
            plain("pinned", serializers.BooleanField()),
            plain("reading_minutes", serializers.IntegerField()),
            *shared.TAIL,
        ),
        detail_outputs=(
            rich("body"),
            plain("words", serializers.IntegerField()),
            Output(
                "related",
                ReferenceSerializer(many=True),
                _related,
                (),
                {
                    "_related": gathered(CHOSEN, slug="related__slug", title="related__title"),
                    "_alike": gathered(ALIKE, limit=RELATED_BY_TAGS, slug="slug", title="title"),
                },
                drafted={"_related": Related("related", Post.objects.all(), {"slug": "slug", "title": "title"})},
            ),
            *shared.detail_tail(PATH, PAGE),
        ),
        sorts={
            **shared.sorts("title", "updated_at"),
            "published_at": ("published_at",),
            "-published_at": ("-pinned", "-published_at"),
        },
        default_sort="-published_at",
        filters=(
            *shared.FILTERS,
            Filter("tag", Kind.SLUG, _by_tag, "With this tag."),
            Filter("category", Kind.SLUG, _by_category, "In this category."),
            Filter("author", Kind.SLUG, _by_author, "Signed by this author."),
            Filter("year", Kind.NUMBER, _by_year, "Published in this year (UTC).", most=9998),
            Filter("published_after", Kind.INSTANT, _after, "Published at this instant or later."),
            Filter("published_before", Kind.INSTANT, _before, "Published before this instant."),
        ),
        includes=(Include("related", "post", many=True),),
        writable=(
            *shared.WRITABLE,
            *own("title", "excerpt", "body", "cover", "authors", "category", "tags", "pinned", "related"),
        ),
    )
)
