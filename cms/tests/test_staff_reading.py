"""What staff, and those with a preview link, read of drafts."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.tests import factories as accounts
from cms import registry
from cms.actions import previews
from cms.tests import factories
from cms.tests.factories import BY
from common.clock import db_now

pytestmark = pytest.mark.django_db
STAFF = {"state", "lock_version", "publish_at", "unpublish_at", "live_revision", "latest_revision", "deleted_at"}


@pytest.fixture
def editor():
    return accounts.staff("Editor")[1]


def slugs(answer):
    assert answer.status_code == 200, answer.json()
    return [row["slug"] for row in answer.json()["data"]]


def test_the_newest_draft_is_found_by_both_slugs_and_the_id(editor, api):
    item = factories.edit(factories.live(title="Old", slug="old"), title="New", slug="newer")
    answers = [editor.get(f"/api/blogs/{name}?view=draft") for name in ("old", "newer", item.pk, str(item.pk).upper())]

    assert {(one.status_code, one["ETag"], one["Cache-Control"]) for one in answers} == {
        (200, '"v3"', "private, no-store")
    }
    assert len({one.content for one in answers}) == 1
    draft = answers[0].json()
    assert (draft["slug"], draft["title"], draft["state"]) == ("newer", "New", "live")
    assert (draft["live_revision"], draft["latest_revision"], draft["lock_version"]) == (2, 3, 3)
    assert api.get("/api/blogs/old").json()["title"] == "Old"


def test_staff_without_the_parameter_get_the_public_bytes(editor, api):
    factories.edit(factories.live(), title="New")
    mine, theirs = editor.get("/api/blogs/post-1"), api.get("/api/blogs/post-1")
    assert (mine.content, mine["ETag"], mine["Cache-Control"]) == (
        theirs.content,
        theirs["ETag"],
        theirs["Cache-Control"],
    )
    assert editor.get("/api/blogs").content == api.get("/api/blogs").content
    assert not STAFF & set(mine.json())


def test_a_bad_credential_does_not_keep_anybody_from_what_is_public(api):
    factories.live()
    api.credentials(HTTP_AUTHORIZATION="Bearer nonsense")
    assert api.get("/api/blogs/post-1").status_code == 200
    refused = api.get("/api/blogs/post-1?view=draft")
    assert (refused.status_code, refused.json()["code"]) == (401, "token_invalid")
    assert "WWW-Authenticate" in refused


def test_a_list_of_drafts_filters_by_state_and_trash(editor):
    factories.draft("post", 1)
    factories.live("post", 2)
    factories.moved(factories.draft("post", 3), "submit")
    factories.scheduled(factories.draft("post", 4))
    factories.moved(factories.draft("post", 5), "trash")
    factories.edit(factories.live("post", 6), slug="renamed")

    answer = editor.get("/api/blogs?view=draft&sort=title")
    assert slugs(answer) == ["post-1", "post-2", "post-3", "post-4", "renamed"]
    assert answer["Cache-Control"] == "private, no-store"
    assert set(answer.json()["data"][0]) >= STAFF
    assert set(answer.json()["meta"]) == {"page", "per_page", "total", "pages", "content_version"}
    assert slugs(editor.get("/api/blogs?view=draft&state=draft")) == ["post-1"]
    assert slugs(editor.get("/api/blogs?view=draft&state=in_review")) == ["post-3"]
    assert slugs(editor.get("/api/blogs?view=draft&state=scheduled")) == ["post-4"]
    assert slugs(editor.get("/api/blogs?view=draft&state=live&sort=title")) == ["post-2", "renamed"]
    assert slugs(editor.get("/api/blogs?view=draft&trash=true")) == ["post-5"]
    assert slugs(editor.get("/api/blogs?view=draft&trash=false&state=archived")) == []
    assert slugs(editor.get("/api/blogs?view=draft&slug=renamed&slug=post-1&sort=title")) == ["post-1", "renamed"]
    assert slugs(editor.get("/api/blogs?view=draft&slug=post-6")) == ["renamed"]
    trashed = editor.get("/api/blogs?view=draft&trash=true").json()["data"][0]
    assert trashed["deleted_at"].endswith("Z")
    for bad in ("state=x", "trash=1", "state=draft&state=live", "colour=1"):
        assert editor.get(f"/api/blogs?view=draft&{bad}").status_code == 400
    for bad in ("state=draft", "trash=true"):
        assert editor.get(f"/api/blogs?{bad}").status_code == 400
    assert editor.get("/api/blogs?view=draft&page=2").status_code == 404
    assert editor.get("/api/blogs?view=draft&page=1000000000").status_code == 404


def test_fields_choose_among_all_keys(editor):
    factories.draft()
    answer = editor.get("/api/blogs/post-1?view=draft&fields=slug,state,body").json()
    assert list(answer) == ["slug", "state", "body"]
    answer = editor.get("/api/blogs?view=draft&fields=lock_version,slug").json()
    assert answer["data"] == [{"lock_version": 1, "slug": "post-1"}]
    assert editor.get("/api/blogs/post-1?view=draft&fields=colour").status_code == 400
    assert editor.get("/api/blogs/post-1?fields=state").status_code == 400


def test_pictures_carry_their_id_for_staff_alone(editor, api):
    picture = factories.asset()
    cover = factories.live(cover=picture, og_image=picture, authors=[factories.author(avatar=picture)])
    factories.live("project", gallery=[{"media": picture, "caption": "C"}])
    key = str(picture.pk)

    draft = editor.get(f"/api/blogs/{cover.slug}?view=draft").json()
    assert (draft["cover"]["id"], draft["seo"]["image"]["id"], draft["authors"][0]["avatar"]["id"]) == (key,) * 3
    assert editor.get("/api/blogs?view=draft").json()["data"][0]["cover"]["id"] == key
    shown = editor.get("/api/projects/project-1?view=draft").json()
    assert (shown["cover"]["id"], shown["gallery"][0]["id"], shown["gallery"][0]["caption"]) == (key, key, "C")
    for path in ("/api/blogs/post-1", "/api/blogs", "/api/projects/project-1"):
        assert key not in api.get(path).content.decode()


def test_a_draft_may_name_other_drafts_but_a_preview_does_not_tell(editor, api):
    other = factories.draft("service", 1)
    project = factories.draft("project", services=[other])
    link = previews.issue(item=project, by=BY)

    assert editor.get("/api/projects/project-1?view=draft").json()["services"] == [
        {"slug": "service-1", "title": "Service 1"}
    ]
    shown = api.get(f"/api/projects/project-1?preview={link.token}")
    assert (shown.status_code, shown.json()["services"]) == (200, [])
    included = editor.get("/api/projects/project-1?view=draft&include=services").json()
    assert included["services"] == [{"slug": "service-1", "title": "Service 1"}]
    factories.moved(other, "publish")
    included = editor.get("/api/projects/project-1?view=draft&include=services").json()
    assert included["services"][0]["summary"] == "What it is."


def test_a_draft_is_what_publishing_would_show(editor, api):
    picture, other = factories.asset(), factories.asset("Other")
    item = factories.live(cover=other, tags=[factories.tag("A")], authors=[factories.author("B")])
    factories.edit(item, cover=picture, tags=[factories.tag("C")], authors=[factories.author("D")], body="<h2>E</h2>")
    token = previews.issue(item=item, by=BY).token

    preview = api.get(f"/api/blogs/post-1?preview={token}").json()
    factories.moved(item, "publish")
    public = api.get("/api/blogs/post-1").json()
    for body in (preview, public):
        del body["updated_at"]
    assert preview == public


def test_a_preview_shows_the_draft_without_the_keys_of_staff(api):
    item = factories.edit(factories.live("project"), title="New", slug="newer")
    link = previews.issue(item=item, by=BY)
    for name in ("project-1", "newer", item.pk):
        answer = api.get(f"/api/projects/{name}?preview={link.token}")
        assert (answer.status_code, answer.json()["title"]) == (200, "New")
        assert (answer["Cache-Control"], answer["X-Robots-Tag"]) == ("private, no-store", "noindex")
        assert "ETag" not in answer
        assert not (STAFF | {"client_name", "disclosure"}) & set(answer.json())
    assert api.get(f"/api/projects/newer?preview={link.token}&fields=slug").json() == {"slug": "newer"}
    assert api.get(f"/api/projects/newer?preview={link.token}&fields=state").status_code == 400


def test_a_bad_preview_is_404(api):
    item = factories.draft()
    other = factories.live("post", 2)
    link = previews.issue(item=item, by=BY)
    late = previews.issue(item=item, by=BY, now=db_now() - timedelta(hours=73))
    closed = previews.issue(item=item, by=BY)
    previews.revoke(item=item, token_id=closed.id, by=BY)
    paths = [
        f"/api/blogs/{other.slug}?preview={link.token}",
        f"/api/services/post-1?preview={link.token}",
        f"/api/blogs/post-1?preview={late.token}",
        f"/api/blogs/post-1?preview={closed.token}",
        "/api/blogs/post-1?preview=pv_nonsense",
        "/api/blogs/post-1?preview=",
    ]
    for path in paths:
        answer = api.get(path)
        assert (answer.status_code, answer.json()["code"], answer["Cache-Control"]) == (404, "not_found", "no-store"), (
            path
        )
    assert previews.PreviewToken.objects.get(pk=link.id).opened == 0
    assert api.get(f"/api/blogs?preview={link.token}").status_code == 400


def test_preview_links_are_listed_and_closed(editor, api):
    item = factories.draft()
    made = editor.post("/api/blogs/post-1/preview-links", {"expires_in_hours": 1})
    assert (made.status_code, set(made.json())) == (201, {"id", "url", "expires_at"})
    token = made.json()["url"].rpartition("preview=")[2]
    assert api.get(f"/api/blogs/post-1?preview={token}").status_code == 200

    listed = editor.get("/api/blogs/post-1/preview-links")
    assert listed["Cache-Control"] == "private, no-store"
    (link,) = listed.json()["data"]
    assert (link["id"], link["revision"], link["opened"], link["revoked_at"]) == (made.json()["id"], 1, 1, None)
    assert token not in listed.content.decode()

    other = factories.draft("post", 2)
    foreign = editor.delete(f"/api/blogs/{other.draft_slug}/preview-links/{link['id']}")
    assert foreign.status_code == 404
    for _ in range(2):
        assert editor.delete(f"/api/blogs/post-1/preview-links/{link['id']}").status_code == 204
    assert api.get(f"/api/blogs/{item.pk}?preview={token}").status_code == 404


def test_revisions_are_a_cursor_list_with_their_content(editor):
    item = factories.live(title="One", slug="post-1")
    for number in range(3):
        item = factories.edit(item, title=f"Title {number}")
    first = editor.get("/api/blogs/post-1/revisions?per_page=2").json()
    assert [(row["number"], row["kind"], row["base"], row["live"]) for row in first["data"]] == [
        (5, "save", 4, False),
        (4, "save", 3, False),
    ]
    following = editor.get(first["links"]["next"]).json()
    assert [(row["number"], row["kind"], row["live"]) for row in following["data"]] == [
        (3, "save", False),
        (2, "publish", True),
    ]
    other = factories.draft("post", 2)
    foreign = first["links"]["next"].replace("post-1", other.draft_slug)
    assert editor.get(foreign).status_code == 400

    version = editor.get("/api/blogs/post-1/revisions/3").json()
    assert (version["number"], version["content"]["title"], version["author"]["name"]) == (3, "Title 0", "test")
    back = editor.post("/api/blogs/post-1/revisions/3/restore", {"comment": "Better."}, headers={"If-Match": '"v5"'})
    assert (back.status_code, back.json()["title"], back["ETag"]) == (200, "Title 0", '"v6"')
    newest = editor.get("/api/blogs/post-1/revisions").json()["data"][0]
    assert (newest["kind"], newest["comment"]) == ("restore", "Better.")


@pytest.mark.parametrize("kind", ["service", "project", "post", "testimonial"])
def test_every_relation_of_a_draft_is_its_own(kind):
    """A key that hangs on the live row's relations would show readers' values in a draft; these few do not."""
    live = {"_projects", "_alike"}
    outputs = registry.get(kind).outputs.values()
    assert {label for one in outputs for label in one.annotations if label not in one.drafted} <= live


@pytest.mark.parametrize(("path", "most"), [("blogs", 7), ("projects", 7), ("services", 7), ("testimonials", 6)])
def test_queries_do_not_grow_with_the_list(editor, path, most):
    kind = {"blogs": "post", "projects": "project", "services": "service", "testimonials": "testimonial"}[path]
    picture = factories.asset()
    extra = {"post": {"cover": picture}, "project": {"gallery": [picture]}}.get(kind, {})
    counts = []
    for numbers in (range(1, 3), range(3, 21)):
        for number in numbers:
            factories.draft(kind, number, **extra)
        with CaptureQueriesContext(connection) as queries:
            assert editor.get(f"/api/{path}?view=draft").json()["meta"]["total"] == numbers[-1]
        counts.append(len(queries))
    assert counts[0] == counts[1] <= most


@pytest.mark.parametrize(
    ("path", "most"),
    [("blogs/post-1", 5), ("projects/project-1", 4), ("services/service-1", 6), ("testimonials/person-1", 4)],
)
def test_queries_of_a_detail(editor, path, most):
    for kind in factories.MODELS:
        factories.draft(kind)
    with CaptureQueriesContext(connection) as queries:
        assert editor.get(f"/api/{path}?view=draft").status_code == 200
    assert len(queries) <= most
