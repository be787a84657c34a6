"""What `benchmarks.million` fills and measures inside a Django process of its own."""

import json
import time
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from django.db import connection
from django.test import Client

from benchmarks import seeding
from cms.actions import totals
from cms.models import Category, Post, Revision, Tag
from common.actor import Actor
from common.ids import uuid7
from devkit.processes import LOOPBACK

SEEDED = 1_000
RARE, RARE_POSTS = "rare", 300
READS = {"page 1": "/api/blogs", "a filtered page": f"/api/blogs?tag={RARE}", "a detail": "/api/blogs/post-500"}
WARM_UPS = 5
HTTP_OK = 200
COLUMNS = (
    "id", "title", "slug", "draft_slug", "draft_title", "state", "position", "featured", "seo_title",
    "seo_description", "canonical_url", "noindex", "deleted_by", "lock_version", "schedule_problem", "excerpt",
    "body", "pinned", "words", "reading_minutes", "live_revision_id", "latest_revision_id", "published_at",
    "first_published_at", "category_id", "cover_id",
)  # fmt: skip


def fill(count: int) -> None:
    """Seed a thousand posts, copy older ones below them up to `count`, and have PostgreSQL look at it all.

    The first 300 posts have a tag of their own, so that the filtered page finds as many at either size.
    """
    seeding.POSTS = SEEDED
    seeding.fill()
    rare = Tag.objects.create(name="Rare", slug=RARE)
    rare.posts.set(Post.objects.order_by("slug").values_list("pk", flat=True)[:RARE_POSTS])
    with connection.cursor() as cursor:
        _copy(cursor, "cms_post", COLUMNS, _posts(count - SEEDED))
        _copy(cursor, "cms_post_tags", ["post_id", "tag_id"], _tags())
        cursor.execute("SELECT gin_clean_pending_list('cms_post_search')")
        cursor.execute("VACUUM ANALYZE")
    totals.recount(by=Actor.operator())


def _copy(cursor: Any, table: str, columns: Sequence[str], rows: Iterator[Sequence[Any]]) -> None:
    with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            copy.write_row(row)


def _posts(count: int) -> Iterator[Sequence[Any]]:
    oldest = Post.objects.order_by("published_at").values_list("published_at", flat=True)[0]
    shelves = list(Category.objects.order_by("slug").values_list("pk", flat=True))
    revision, cover = Revision.objects.values_list("pk", flat=True)[0], Post.objects.values_list("cover", flat=True)[0]

    def row(number: int) -> Sequence[Any]:
        title, slug, at = f"Older post {number}", f"older-{number}", oldest - timedelta(minutes=number + 1)
        return (
            *(uuid7(), title, slug, slug, title, "live", 0, False, "", "", "", False),
            *("", 1, "", "An excerpt.", f"<p>Body number {number}.</p>", False, 3, 1, revision),
            *(revision, at, at, shelves[number % len(shelves)], cover),
        )

    return map(row, range(count))  # asks nothing of the database, which takes the rows meanwhile


def _tags() -> Iterator[Sequence[Any]]:
    tags = list(Tag.objects.exclude(slug=RARE).order_by("slug").values_list("pk", flat=True))
    older = list(Post.objects.filter(slug__startswith="older-").values_list("pk", flat=True))
    return ((pk, tags[number % len(tags)]) for number, pk in enumerate(older))


def measure(seconds: float) -> None:
    """Print the rate of each read as JSON."""
    client = Client(SERVER_NAME=LOOPBACK, headers={"accept": "application/json"})
    print(json.dumps({what: _rate(client, path, seconds) for what, path in READS.items()}))


def _rate(client: Client, path: str, seconds: float) -> float:
    for _ in range(WARM_UPS):
        if client.get(path, secure=True).status_code != HTTP_OK:
            raise RuntimeError(f"{path} is not answered.")
    done, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < seconds:
        client.get(path, secure=True)
        done += 1
    return done / took
