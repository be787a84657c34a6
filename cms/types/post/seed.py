"""The blog of the demo studio: authors, shelves, tags and posts."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from cms.models import Author, Category, Post, Tag
from cms.seeding import planting
from common.actor import Actor
from common.clock import db_now

ARTICLES = Path(__file__).with_name("articles")
PLAIN = ("slug", "title", "excerpt")


def plant(*, by: Actor) -> None:
    """Publish the posts that no one has seen yet, the oldest first, as if each had been published on its day."""
    data = planting.read(__file__)
    authors = _authors(data["author"], by=by)
    categories = {row["slug"]: planting.term(Category, row, by=by) for row in data["category"]}
    tags = {row["slug"]: planting.term(Tag, row, by=by) for row in data["tag"]}
    now = db_now()
    rows = sorted(planting.unknown(Post, data["post"]), key=lambda row: -int(row["days_ago"]))
    for row, pictures in planting.drawn(rows, lambda row: [planting.cover(f"post-{row['slug']}", row)]):
        [cover] = [planting.store(*picture, by=by) for picture in pictures]
        values = _values(row) | {
            "cover": cover,
            "authors": [authors[slug] for slug in row["authors"]],
            "category": categories[row["category"]],
            "tags": [tags[slug] for slug in row["tags"]],
        }
        planting.publish(Post, values, by=by, now=now - timedelta(days=row["days_ago"]))


def _values(row: planting.Row) -> dict[str, Any]:
    body = (ARTICLES / f"{row['slug']}.html").read_text(encoding="utf-8")
    return {name: row[name] for name in PLAIN} | {"body": body, "pinned": row.get("pinned", False)}


def _authors(rows: list[planting.Row], *, by: Actor) -> dict[str, Author]:
    known = {author.slug: author for author in Author.objects.filter(slug__in=[row["slug"] for row in rows])}
    fresh = [row for row in rows if row["slug"] not in known]
    for row, pictures in planting.drawn(fresh, _portrait):
        [avatar] = [planting.store(*picture, by=by) for picture in pictures]
        values = {"slug": row["slug"], "name": row["name"], "bio": row["bio"], "avatar": avatar}
        known[row["slug"]] = planting.term(Author, values, by=by)
    return known


def _portrait(row: planting.Row) -> list[planting.Picture]:
    return [planting.portrait(f"author-{row['slug']}", row, person=row["name"])]
