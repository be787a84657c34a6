"""How a type's demo data become items: each only once, whole or not at all."""

import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import Q

from cms.actions import drafts, media, publishing, taxonomy
from cms.models import Author, Category, ContentItem, MediaAsset, SlugHistory, Tag, Technology
from cms.seeding import art
from common.actor import Actor
from common.clock import db_now
from uploads import actions as uploads
from uploads.constants import Purpose

FOLDER = "Demo"
COMMENT = "Demo data"
DRAWING_THREADS = 2

Row = Mapping[str, Any]
Term = TypeVar("Term", Tag, Category, Technology, Author)


@dataclass(frozen=True, slots=True)
class Picture:
    """What is drawn for an item: its file's name, its words, and its bytes once they are there."""

    name: str
    alt: str
    draw: Callable[[], bytes]


def read(package_file: str) -> dict[str, Any]:
    """The `demo.toml` that stands beside a type's `seed.py`."""
    return tomllib.loads(Path(package_file).with_name("demo.toml").read_text(encoding="utf-8"))


def cover(name: str, row: Row) -> Picture:
    """The cover that `art` and `alt` of a row describe."""
    palette, composition = row["art"]
    return Picture(name, row["alt"], lambda: art.cover(name, palette=palette, composition=composition))


def portrait(name: str, row: Row, *, person: str) -> Picture:
    """The portrait of somebody who does not exist."""
    draw = lambda: art.portrait(name, palette=row["palette"], hair=row["hair"])  # noqa: E731 - it is drawn later
    return Picture(name, f"Drawn portrait of {person}", draw)


def unknown(model: type[ContentItem], rows: Iterable[Row]) -> list[Row]:
    """The rows whose slug no item has or ever had: what staff renamed or removed stays as they left it."""
    rows = list(rows)
    wanted = [row["slug"] for row in rows]
    kind = str(model._meta.model_name)
    taken = set(model.objects.filter(draft_slug__in=wanted).values_list("draft_slug", flat=True))
    taken |= set(SlugHistory.objects.filter(item_type=kind, slug__in=wanted).values_list("slug", flat=True))
    return [row for row in rows if row["slug"] not in taken]


def drawn(
    rows: Sequence[Row], pictures: Callable[[Row], list[Picture]]
) -> Iterator[tuple[Row, list[tuple[Picture, bytes]]]]:
    """Each row with its pictures' bytes; Pillow draws the next ones while the caller stores these."""
    plans = [pictures(row) for row in rows]
    with ThreadPoolExecutor(DRAWING_THREADS) as pool:
        jobs = [[pool.submit(picture.draw) for picture in plan] for plan in plans]
        for row, plan, futures in zip(rows, plans, jobs, strict=True):
            yield row, [(picture, future.result()) for picture, future in zip(plan, futures, strict=True)]


def store(picture: Picture, content: bytes, *, by: Actor) -> MediaAsset:
    """Make media of a drawn picture."""
    file = uploads.ingest(
        content=content, filename=f"{picture.name}.jpg", content_type="image/jpeg", purpose=Purpose.IMAGE, by=by
    )
    return media.create(file=file, alt=picture.alt, folder=FOLDER, by=by)


@transaction.atomic
def publish(model: type[ContentItem], values: Row, *, by: Actor, now: datetime | None = None) -> ContentItem:
    """Create an item and publish it, as of `now` for what is to look older than today."""
    item = drafts.create(model=model, values=values, by=by, now=now, comment=COMMENT)
    return publishing.publish(item=item, by=by, comment=COMMENT, now=now or db_now())


def term(model: type[Term], values: Row, *, by: Actor) -> Term:
    """The tag, category, technology or author with this slug; made if there is none, nor one with that name."""
    found: Term | None = model._default_manager.filter(Q(slug=values["slug"]) | Q(name__iexact=values["name"])).first()
    return found or taxonomy.create(model=model, values=values, by=by)
