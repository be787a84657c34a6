"""The words of a draft appear nowhere public."""

from datetime import timedelta

import pytest

from cms.actions import endpoints, publishing
from cms.models import Delivery
from cms.tests import factories
from cms.tests.factories import BY
from common.clock import db_now

pytestmark = pytest.mark.django_db
CANARY = "zanzibarcanary"
TEXTS = {
    "service": ("title", "tagline", "summary", "body"),
    "project": ("title", "summary", "challenge", "role"),
    "post": ("title", "excerpt", "body"),
    "testimonial": ("person", "quote", "role", "company"),
}
LISTS = ("services", "projects", "blogs", "testimonials", "tags", "categories", "technologies", "authors")
PAGES = ("/", "/services", "/projects", "/blog", "/testimonials", "/contact", "/privacy", "/terms")


def canaries(kind):
    values = {name: f"{CANARY} {name}" for name in TEXTS[kind]}
    if kind == "service":
        values |= {"features": [{"title": CANARY, "text": ""}], "faq": [{"question": CANARY, "answer": CANARY}]}
    return values


def every_public_answer(api, slugs):
    for name in LISTS:
        yield api.get(f"/api/{name}")
    for path, include in (
        ("services", "projects"),
        ("projects", "services,testimonial"),
        ("blogs", "related"),
        ("testimonials", "project"),
    ):
        yield api.get(f"/api/{path}?include={include}&fields=slug,title")
        yield api.get(f"/api/{path}?q={CANARY}")
        for slug in slugs:
            yield api.get(f"/api/{path}/{slug}")
            yield api.get(f"/api/{path}/{slug}?include={include}")
    for section, slug in ((one, slug) for one in ("services", "projects", "blog", "testimonials") for slug in slugs):
        yield api.get(f"/api/redirects?path=/{section}/{slug}")
    yield api.get("/api/changes?since=0&per_page=100")
    yield api.get("/api/settings")
    for page in PAGES:
        yield api.get(page)
    for section in ("services", "projects", "blog"):
        for slug in slugs:
            yield api.get(f"/{section}/{slug}")


def related(kind, others):
    service, project, post, testimonial = others
    return {
        "project": {"services": [service], "testimonial": testimonial},
        "post": {"related": [post]},
        "testimonial": {"project": project},
    }.get(kind, {})


HOW = (
    "never public",
    "newer than what is live",
    "scheduled",
    "scheduled over live",
    "unpublished",
    "archived",
    "trashed",
)
NEVER, OVER_LIVE = ("never public", "scheduled"), ("newer than what is live", "scheduled over live")


@pytest.mark.parametrize("how", HOW)
def test_a_draft_is_seen_nowhere(api, how):
    kinds = ("service", "project", "post", "testimonial")
    hidden, asked = [], [f"hidden-{kind}" for kind in kinds]
    endpoints.create(values={"label": "Site", "url": "http://127.0.0.1:9/", "active": True}, by=BY)
    for kind in kinds:
        if how in NEVER:
            item = factories.draft(kind, slug=f"hidden-{kind}", **canaries(kind))
            hidden.append(scheduled(item) if how == "scheduled" else item)
            continue
        item = factories.live(kind)
        asked.append(item.slug)
        if how not in OVER_LIVE:
            item = publishing.archive(item=item, by=BY) if how == "archived" else publishing.unpublish(item=item, by=BY)
        item = factories.edit(item, slug=f"{CANARY}-{kind}", **canaries(kind))
        item = scheduled(item) if how == "scheduled over live" else item
        hidden.append(publishing.trash(item=item, by=BY) if how == "trashed" else item)
    for kind in kinds:
        factories.live(kind, 7, **related(kind, hidden))
    slugs = [*asked, "service-7", "project-7", "post-7", "person-7"]

    answers = list(every_public_answer(api, slugs))

    assert {answer.status_code for answer in answers} <= {200, 404, 410}
    found = [answer.request["PATH_INFO"] for answer in answers if CANARY in body_without_address(answer)]
    assert found == []
    assert Delivery.objects.exists()
    assert CANARY not in str(list(Delivery.objects.values("data")))


def scheduled(item):
    """The item with its newest draft planned for a later day."""
    return publishing.schedule(item=item, publish_at=db_now() + timedelta(days=3), by=BY)


def body_without_address(answer):
    """The words of an answer, without the address that was asked for."""
    if "json" in answer.get("Content-Type", ""):
        body = answer.json()
        body.pop("instance", None)
        body.pop("links", None)
        return str(body)
    return answer.content.decode()
