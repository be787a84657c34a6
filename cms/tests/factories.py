"""Makers of content for tests; all of it goes through the actions, as in the product."""

from datetime import timedelta
from io import BytesIO

from PIL import Image

from cms.actions import drafts, media, publishing, taxonomy
from cms.models import Author, Category, Post, Project, Service, SiteSettings, Tag, Technology, Testimonial
from common.actor import Actor
from common.clock import db_now
from uploads import actions as uploads
from uploads.constants import Purpose

BY = Actor.system("test")


def picture_bytes(colour="#3a4a5c", size=(64, 36)):
    """A small JPEG."""
    out = BytesIO()
    Image.new("RGB", size, colour).save(out, "JPEG")
    return out.getvalue()


def asset(alt="A grey rectangle", **values):
    """A picture on a ready file."""
    file = uploads.ingest(
        content=picture_bytes(), filename="grey.jpg", content_type="image/jpeg", purpose=Purpose.IMAGE, by=BY
    )
    return media.create(file=file, alt=alt, by=BY, **values)


def tag(name="Delivery"):
    """A tag."""
    return taxonomy.create(model=Tag, values={"name": name}, by=BY)


def category(name="Practice"):
    """A category."""
    return taxonomy.create(model=Category, values={"name": name}, by=BY)


def technology(name="Django"):
    """A technology."""
    return taxonomy.create(model=Technology, values={"name": name}, by=BY)


def author(name="Wanjiru Kamau", **values):
    """An author."""
    return taxonomy.create(model=Author, values={"name": name, **values}, by=BY)


MODELS = {"service": Service, "project": Project, "post": Post, "testimonial": Testimonial}


def enough(kind, number=1):
    """The fewest values that a type needs to be published."""
    return {
        "service": {"title": f"Service {number}", "summary": "What it is."},
        "project": {"title": f"Project {number}", "summary": "What it was."},
        "post": {"title": f"Post {number}", "excerpt": "What it says.", "body": "<p>Some words here.</p>"},
        "testimonial": {"person": f"Person {number}", "quote": "They were good.", "consent_at": db_now()},
    }[kind]


def draft(kind="post", number=1, **values):
    """A draft that could be published."""
    return drafts.create(model=MODELS[kind], values={**enough(kind, number), **values}, by=BY)


def live(kind="post", number=1, now=None, **values):
    """A public item."""
    item = drafts.create(model=MODELS[kind], values={**enough(kind, number), **values}, by=BY, now=now)
    return publishing.publish(item=item, by=BY, now=now)


def edit(item, **values):
    """The item with a newer draft."""
    return drafts.save(item=item, values=values, by=BY)


def republish(item, **values):
    """The item with these values made public."""
    return publishing.publish(item=edit(item, **values), by=BY)


def site(**values):
    """Published site settings."""
    item = drafts.create(model=SiteSettings, values={"name": "Example Studio", **values}, by=BY)
    return publishing.publish(item=item, by=BY)


def moved(item, move, **more):
    """The item after a move of the workflow."""
    return publishing.transition(item=item, move=move, by=BY, **more)


def scheduled(item, publish_at=None):
    """The item, to be published in a day."""
    return publishing.schedule(item=item, publish_at=publish_at or db_now() + timedelta(days=1), by=BY)
