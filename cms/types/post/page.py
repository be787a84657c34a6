"""The blog on the public site."""

import re
from datetime import UTC, datetime
from typing import Any

from django.core.paginator import Paginator
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse

from cms import selectors
from cms.models import Tag
from cms.pages import preview
from cms.pages.answers import of_item, page, public_page
from common.errors import NotFound
from common.links import absolute

POSTS_A_PAGE = 8
FIRST_YEAR, LAST_YEAR = 1970, 9998
_PAGE_NUMBER = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)


@public_page
def index(request: HttpRequest) -> HttpResponse:
    """`/blog`, the newest first and pinned ones before them; `?page=` for older ones."""
    return _listed(request, selectors.live_posts(), {"tags": list(_tags())})


@public_page
def by_tag(request: HttpRequest, slug: str) -> HttpResponse:
    """`/blog/tags/{slug}`; 404 for a tag that no public post has."""
    tags = list(_tags())
    tag = next((one for one in tags if one.slug == slug), None)
    if tag is None:
        raise NotFound
    return _listed(request, selectors.live_posts().filter(tags=tag), {"tags": tags, "tag": tag})


@public_page
def by_year(request: HttpRequest, year: int) -> HttpResponse:
    """`/blog/archive/{year}` (UTC, as in the API); 404 for a year without public posts."""
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise NotFound
    start, end = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    posts = selectors.live_posts().filter(published_at__gte=start, published_at__lt=end)
    return _listed(request, posts, {"year": year})


@public_page
def detail(request: HttpRequest, slug: str) -> HttpResponse:
    """`/blog/{slug}`, with posts that are related by choice or by their tags; `?preview=` shows another version."""
    seen = preview.of_item(request, "post", slug)
    post = seen.row if seen else selectors.detail("post", slug)
    slugs = [reference["slug"] for reference in post["related"]]
    rows = selectors.list_rows("post", selectors.live_posts().filter(slug__in=slugs)) if slugs else []
    related = sorted(rows, key=lambda row: slugs.index(row["slug"]))
    return page(request, "post", {"post": post, "related": related, "preview": seen, **of_item(post)})


def _listed(request: HttpRequest, posts: QuerySet[Any], context: dict[str, Any]) -> HttpResponse:
    number = request.GET.get("page", "1")
    if not _PAGE_NUMBER.fullmatch(number):
        raise NotFound
    paginator = Paginator(posts, POSTS_A_PAGE)
    if int(number) > paginator.num_pages:
        raise NotFound
    if "year" in context and not paginator.count:
        raise NotFound
    own = absolute(request.path) + (f"?page={number}" if number != "1" else "")
    end = int(number) * POSTS_A_PAGE
    shown = {"posts": selectors.list_rows("post", posts[end - POSTS_A_PAGE : end]), "page": paginator.page(int(number))}
    return page(request, "blog", {**shown, "years": _years(), "canonical": own, **context})


def _tags() -> QuerySet[Tag]:
    """The tags that a public post has."""
    return Tag.objects.filter(Exists(selectors.live_posts().filter(tags=OuterRef("pk"))))


def _years() -> list[int]:
    instants = selectors.live_posts().order_by().datetimes("published_at", "year", order="DESC", tzinfo=UTC)
    return [instant.year for instant in instants]
