"""2,000 public posts and what belongs to them, by bulk inserts; `fill` wants a database that is migrated and empty."""

import hashlib
import random
import re
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from cms.constants import PriceKind, RevisionKind, State
from cms.models import (
    Author,
    Category,
    ContentVersion,
    MediaAsset,
    Post,
    PostAuthor,
    Revision,
    Service,
    Tag,
    Technology,
)
from common.ids import uuid7
from uploads.constants import THUMBNAIL_TYPE, THUMBNAIL_WIDTHS, OwnerKind, Purpose
from uploads.constants import State as FileState
from uploads.models import File

POSTS, SERVICES, PICTURES, AUTHORS, CATEGORIES, TAGS = 2000, 8, 60, 12, 8, 40
TAGS_OF_A_POST = 3
PARAGRAPHS_OF_A_POST = 8
SENTENCE_WORDS = (7, 16)
WIDTH, HEIGHT = 2000, 1250
BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)
BETWEEN_POSTS = timedelta(hours=26)
VOCABULARY = """
    client invoice release interface calendar deploy backlog review estimate design ledger queue payment browser
    postgres offline discovery handover mobile network support contract budget timeline prototype rehearsal team
    report script cache booking studio phone screen paper a the of and with for in on is was that we they before
    after
"""

WORDS = re.findall(r"\w+", VOCABULARY)
dice = random.Random(20)  # the same content every time


def sentence() -> str:
    """Return a sentence of common words."""
    return " ".join(dice.choices(WORDS, k=dice.randint(*SENTENCE_WORDS))).capitalize() + "."


def paragraph() -> str:
    """Return five sentences."""
    return " ".join(sentence() for _ in range(5))


def body() -> str:
    """Return rich text with two headings."""
    parts = [f"<p>{paragraph()}</p>" for _ in range(PARAGRAPHS_OF_A_POST)]
    parts[2:2] = [f"<h2>{sentence()}</h2>"]
    parts[6:6] = [f"<h2>{sentence()}</h2>"]
    return "".join(parts)


def pictures() -> list[MediaAsset]:
    """Store ready files and the pictures made of them; there are no bytes behind them."""
    files = [_file(f"{number:032x}") for number in range(PICTURES)]
    File.objects.bulk_create(files)
    assets = [MediaAsset(file=file, image=_image(file), alt=sentence()) for file in files]
    return MediaAsset.objects.bulk_create(assets)


def _file(name: str) -> File:
    return File(
        owner_kind=OwnerKind.STAFF,
        owner_id=str(uuid.UUID(int=1)),
        purpose=Purpose.IMAGE,
        name=f"{name}.jpg",
        declared_type="image/jpeg",
        declared_size=400_000,
        declared_sha256=hashlib.sha256(name.encode()).hexdigest(),
        observed_type="image/jpeg",
        observed_size=400_000,
        observed_sha256=hashlib.sha256(name.encode()).hexdigest(),
        clean_key=f"public/{name}/original.jpg",
        clean_size=380_000,
        width=WIDTH,
        height=HEIGHT,
        state=FileState.READY,
        created_at=BEGINNING,
        expires_at=BEGINNING,
        confirmed_at=BEGINNING,
    )


def _image(file: File) -> dict[str, Any]:
    folder = f"/public/{file.name.removesuffix('.jpg')}"
    blur = hashlib.shake_256(file.name.encode()).hexdigest(75)
    return {
        "width": WIDTH,
        "height": HEIGHT,
        "color": f"#{file.declared_sha256[:6]}",
        "blur_data_url": f"data:image/webp;base64,{blur}",
        "src": f"{folder}/original.jpg",
        "variants": [
            {
                "width": width,
                "height": width * HEIGHT // WIDTH,
                "type": THUMBNAIL_TYPE,
                "path": f"{folder}/{width}.webp",
            }
            for width in THUMBNAIL_WIDTHS
        ],
    }


def terms(model: Any, count: int, word: str) -> list[Any]:
    """Store `count` terms of a taxonomy."""
    return model.objects.bulk_create(
        model(name=f"{word.capitalize()} {number}", slug=f"{word}-{number}") for number in range(count)
    )


def authors(assets: list[MediaAsset]) -> list[Author]:
    """Store authors, each with a face."""
    return Author.objects.bulk_create(
        Author(name=f"Author {number}", slug=f"author-{number}", bio=f"<p>{paragraph()}</p>", avatar=assets[number])
        for number in range(AUTHORS)
    )


def published(model: Any, number: int, **values: Any) -> Any:
    """Return an unsaved public item with its revision, which is to be saved first."""
    pk, at = uuid7(), BEGINNING + number * BETWEEN_POSTS
    kind = model._meta.model_name
    title = f"{sentence().removesuffix('.')} {number}"
    revision = Revision(
        item_type=kind,
        item_id=str(pk),
        number=1,
        kind=RevisionKind.PUBLISH,
        snapshot={},
        sha256="0" * 64,
        author_kind="system",
        created_at=at,
    )
    item = model(
        id=pk,
        title=title,
        draft_title=title,
        slug=f"{kind}-{number}",
        draft_slug=f"{kind}-{number}",
        state=State.LIVE,
        live_revision=revision,
        latest_revision=revision,
        first_published_at=at,
        published_at=at,
        updated_at=at,
        **values,
    )
    item.derive()
    return item


def store(model: Any, items: list[Any]) -> None:
    """Save public items after their revisions."""
    Revision.objects.bulk_create([item.live_revision for item in items], batch_size=500)
    model.objects.bulk_create(items, batch_size=500)


def posts(assets: list[MediaAsset]) -> None:
    """Store the posts with their authors, categories and tags."""
    people, shelves, tags = authors(assets), terms(Category, CATEGORIES, "shelf"), terms(Tag, TAGS, "topic")
    items = [
        published(
            Post,
            number,
            excerpt=f"{sentence()} {sentence()}"[:300],
            body=body(),
            cover=dice.choice(assets),
            category=dice.choice(shelves),
        )
        for number in range(POSTS)
    ]
    store(Post, items)
    PostAuthor.objects.bulk_create(PostAuthor(post=item, author=dice.choice(people), position=0) for item in items)
    tagged = Post.tags.through
    tagged.objects.bulk_create(
        tagged(post_id=item.pk, tag_id=tag.pk) for item in items for tag in dice.sample(tags, TAGS_OF_A_POST)
    )


def services(assets: list[MediaAsset]) -> None:
    """Store the services."""
    items = [
        published(
            Service,
            number,
            summary=sentence(),
            tagline=sentence(),
            body=body(),
            cover=assets[number],
            price_kind=PriceKind.FIXED,
            price_amount=250_000,
            price_currency="KES",
            features=[{"title": sentence(), "text": sentence()} for _ in range(5)],
            position=number,
        )
        for number in range(SERVICES)
    ]
    store(Service, items)
    used = Service.technologies.through
    skills = terms(Technology, 6, "skill")
    used.objects.bulk_create(used(service_id=item.pk, technology_id=skill.pk) for item in items for skill in skills)


def fill() -> None:
    """Fill the database and have PostgreSQL look at it, as autovacuum would after a while."""
    with transaction.atomic():
        assets = pictures()
        posts(assets)
        services(assets)
        ContentVersion.objects.update_or_create(pk=1, defaults={"number": 2, "changed_at": BEGINNING})
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
