"""Hostile HTML comes out equal and clean whichever way it took: API, autosave, restore, seed, an old revision."""

import pytest
from django.test import Client

from accounts.tests import factories as accounts
from cms import sanitise
from cms.actions import drafts, history, publishing
from cms.models import Author, Post, Project, Revision, Service
from cms.seeding import planting
from cms.tests import factories
from cms.tests.factories import BY
from cms.tests.test_sanitise import CORPUS, DANGER

pytestmark = pytest.mark.django_db
DIRTY = "".join(text for text in CORPUS if "\x00" not in text)
BODY = {"excerpt": "What it says.", "body": DIRTY}
FIELDS = {
    "services": (Service, {"summary": "x"}, ("body",)),
    "projects": (Project, {"summary": "x", "disclosure": "anonymised"}, ("challenge", "approach", "outcome")),
    "blogs": (Post, {"excerpt": "x"}, ("body",)),
}


def editor():
    return accounts.staff("Editor")[1]


def by_api_create():
    assert editor().post("/api/blogs", {"title": "x", **BODY}).status_code == 201


def by_api_patch():
    client = editor()
    made = client.post("/api/blogs", {"title": "x"})
    assert client.patch(made["Location"], BODY, HTTP_IF_MATCH=made["ETag"]).status_code == 200


def by_autosave():
    post = drafts.create(model=Post, values={"title": "x"}, by=BY)
    drafts.autosave(item=post, values=BODY, by=BY, expected_version=post.lock_version)


def by_restore_of_an_old_version():
    post = factories.edit(drafts.create(model=Post, values={"title": "x"}, by=BY), excerpt="Newer.")
    plant_in_revision(post.pk, number=1)
    history.restore(item=post, number=1, by=BY)


def by_publishing_a_planted_version():
    post = drafts.create(model=Post, values={"title": "x", **BODY}, by=BY)
    plant_in_revision(post.pk, number=1)
    publishing.publish(item=Post.objects.get(), by=BY)


def by_seed():
    planting.publish(Post, {"title": "x", **BODY}, by=BY)


def by_drafts_of_a_live_item():
    post = factories.live()
    publishing.publish(item=factories.edit(post, **BODY), by=BY)


def plant_in_revision(pk, number):
    """Hostile words in a stored version, as an older release without a sanitiser might have left them."""
    revision = Revision.objects.get(item_id=str(pk), number=number)
    Revision.objects.filter(pk=revision.pk).update(snapshot={**revision.snapshot, **BODY})


WAYS = [
    by_api_create,
    by_api_patch,
    by_autosave,
    by_restore_of_an_old_version,
    by_publishing_a_planted_version,
    by_seed,
    by_drafts_of_a_live_item,
]


@pytest.mark.parametrize("way", WAYS)
def test_every_way_gives_the_same_clean_text(api, way):
    way()
    post = Post.objects.get()
    if not post.is_public:
        if post.latest_revision.kind == "autosave":
            post = factories.edit(post, excerpt="What it says. Again.")
        post = publishing.publish(item=post, by=BY)

    post.refresh_from_db()
    assert post.body == sanitise.html(DIRTY) == post.live_revision.snapshot["body"]
    html = api.get(f"/api/blogs/{post.slug}").json()["body"]["html"]
    page = Client().get(f"/blog/{post.slug}").content.decode()
    assert not [word for word in DANGER if word in html]
    assert "alert(1)" not in page.replace("&lt;script&gt;alert(1)", "")


@pytest.mark.parametrize("path", FIELDS)
def test_every_rich_text_of_every_type_is_cleaned(path):
    model, needed, fields = FIELDS[path]
    answer = editor().post(f"/api/{path}", {"title": "x", **needed, **dict.fromkeys(fields, DIRTY)})
    assert answer.status_code == 201, answer.content
    row = model.objects.get()
    assert {field: getattr(row, field) for field in fields} == dict.fromkeys(fields, sanitise.html(DIRTY))
    assert {row.latest_revision.snapshot[field] for field in fields} == {sanitise.html(DIRTY)}


def test_an_authors_words_are_cleaned():
    assert editor().post("/api/authors", {"name": "A", "bio": DIRTY}).status_code == 201
    stored = Author.objects.get().bio
    assert not [word for word in DANGER if word in stored]
