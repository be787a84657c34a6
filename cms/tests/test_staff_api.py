"""What staff do with content over the API: every operation of one type, by status, code and event."""

from typing import Any, NamedTuple

import pytest

from accounts.tests import factories as accounts
from audit.models import AuditEvent
from cms.models import Post, Revision
from cms.tests import factories

pytestmark = pytest.mark.django_db
LATER = "2099-01-01T09:00:00Z"
NOBODY = "0193a000-0000-7000-8000-000000000000"


@pytest.fixture
def editor():
    return accounts.staff("Editor")[1]


@pytest.fixture
def author():
    return accounts.staff("Author")


def events():
    return set(AuditEvent.objects.values_list("pk", "action"))


class Row(NamedTuple):
    """A call on a post that stands in some state, with what it answers and writes."""

    id: str
    given: str
    method: str
    path: str
    body: Any
    status: int
    code: str
    event: str
    match: str = ""


P = "/api/blogs/{slug}"
ROWS = (
    Row("create", "draft", "post", "/api/blogs", {"title": "New"}, 201, "", "content.created"),
    Row("create taken", "draft", "post", "/api/blogs", {"title": "New", "slug": "post-1"}, 409, "slug_taken", ""),
    Row("create unknown", "draft", "post", "/api/blogs", {"title": "New", "colour": 1}, 400, "validation_error", ""),
    Row("create nothing", "draft", "post", "/api/blogs", {}, 400, "validation_error", ""),
    Row("update", "draft", "patch", P, {"excerpt": "Other."}, 200, "", "content.saved", "now"),
    Row("update live", "live", "patch", P, {"excerpt": "Other."}, 200, "", "content.saved", "now"),
    Row("update bare", "draft", "patch", P, {"excerpt": "Other."}, 428, "precondition_required", ""),
    Row("update stale", "draft", "patch", P, {"excerpt": "Other."}, 412, "precondition_failed", "", '"v99"'),
    Row("update weak", "draft", "patch", P, {"excerpt": "Other."}, 412, "precondition_failed", "", 'W/"v1"'),
    Row("update any", "draft", "patch", P, {"excerpt": "Other."}, 412, "precondition_failed", "", "*"),
    Row("update taken", "draft", "patch", P, {"slug": "other"}, 409, "slug_taken", "", "now"),
    Row("update trashed", "trash", "patch", P, {"excerpt": "Other."}, 409, "invalid_transition", "", "now"),
    Row("update none", "draft", "patch", "/api/blogs/none", {"excerpt": "Other."}, 404, "not_found", "", '"v1"'),
    Row("trash", "draft", "delete", P, None, 204, "", "content.trashed"),
    Row("trash stale", "draft", "delete", P, None, 412, "precondition_failed", "", '"v99"'),
    Row("trash live", "live", "delete", P, None, 409, "invalid_transition", ""),
    Row("trash none", "draft", "delete", "/api/blogs/none", None, 404, "not_found", ""),
    Row("submit", "draft", "post", P + "/submit", None, 200, "", "content.submitted"),
    Row("submit said", "draft", "post", P + "/submit", {"comment": "Ready."}, 200, "", "content.submitted", "now"),
    Row("submit live", "live", "post", P + "/submit", None, 409, "invalid_transition", ""),
    Row("submit stale", "draft", "post", P + "/submit", None, 412, "precondition_failed", "", '"v99"'),
    Row("unsubmit", "review", "post", P + "/unsubmit", None, 200, "", "content.unsubmitted"),
    Row("unsubmit draft", "draft", "post", P + "/unsubmit", None, 409, "invalid_transition", ""),
    Row("publish", "draft", "post", P + "/publish", None, 200, "", "content.published"),
    Row("publish said", "draft", "post", P + "/publish", {"comment": "Go."}, 200, "", "content.published"),
    Row("publish again", "live", "post", P + "/publish", None, 200, "", ""),
    Row("publish gaps", "gaps", "post", P + "/publish", None, 422, "not_publishable", ""),
    Row("publish trashed", "trash", "post", P + "/publish", None, 409, "invalid_transition", ""),
    Row("publish extra", "draft", "post", P + "/publish", {"at": 1}, 400, "validation_error", ""),
    Row("unpublish", "live", "post", P + "/unpublish", None, 200, "", "content.unpublished"),
    Row("unpublish draft", "draft", "post", P + "/unpublish", None, 409, "invalid_transition", ""),
    Row("archive", "live", "post", P + "/archive", None, 200, "", "content.archived"),
    Row("archive draft", "draft", "post", P + "/archive", None, 409, "invalid_transition", ""),
    Row("restore", "trash", "post", P + "/restore", None, 200, "", "content.restored"),
    Row("restore draft", "draft", "post", P + "/restore", None, 409, "invalid_transition", ""),
    Row("restore taken", "trash taken", "post", "/api/blogs/{id}/restore", None, 409, "slug_taken", ""),
    Row("schedule", "draft", "post", P + "/schedule", {"publish_at": LATER}, 200, "", "content.scheduled"),
    Row("schedule bare", "draft", "post", P + "/schedule", None, 400, "validation_error", ""),
    Row("schedule gaps", "gaps", "post", P + "/schedule", {"publish_at": LATER}, 422, "not_publishable", ""),
    Row("schedule trashed", "trash", "post", P + "/schedule", {"publish_at": LATER}, 409, "invalid_transition", ""),
    Row("unschedule", "scheduled", "post", P + "/unschedule", None, 200, "", "content.unscheduled"),
    Row("unschedule draft", "draft", "post", P + "/unschedule", None, 409, "invalid_transition", ""),
    Row("revisions", "draft", "get", P + "/revisions", None, 200, "", ""),
    Row("revision", "draft", "get", P + "/revisions/1", None, 200, "", ""),
    Row("revision none", "draft", "get", P + "/revisions/9", None, 404, "not_found", ""),
    Row("revision huge", "draft", "get", P + "/revisions/" + "9" * 30, None, 404, "not_found", ""),
    Row("back", "edited", "post", P + "/revisions/1/restore", None, 200, "", "content.saved"),
    Row("back none", "edited", "post", P + "/revisions/9/restore", None, 404, "not_found", ""),
    Row("back stale", "edited", "post", P + "/revisions/1/restore", None, 412, "precondition_failed", "", '"v99"'),
    Row("back trashed", "trash", "post", P + "/revisions/1/restore", None, 409, "invalid_transition", ""),
    Row("back taken", "lost slug", "post", P + "/revisions/1/restore", None, 409, "slug_taken", ""),
    Row("links", "draft", "get", P + "/preview-links", None, 200, "", ""),
    Row("link", "draft", "post", P + "/preview-links", None, 201, "", "preview.issued"),
    Row("link long", "draft", "post", P + "/preview-links", {"expires_in_hours": 721}, 400, "validation_error", ""),
    Row("link trashed", "trash", "post", P + "/preview-links", None, 409, "invalid_transition", ""),
    Row("unlink none", "draft", "delete", P + "/preview-links/" + NOBODY, None, 404, "not_found", ""),
    Row("list", "draft", "get", "/api/blogs?view=draft", None, 200, "", ""),
    Row("list odd view", "draft", "get", "/api/blogs?view=live", None, 400, "validation_error", ""),
    Row("list odd state", "draft", "get", "/api/blogs?view=draft&state=x", None, 400, "validation_error", ""),
    Row("detail", "draft", "get", P + "?view=draft", None, 200, "", ""),
    Row("detail none", "draft", "get", "/api/blogs/none?view=draft", None, 404, "not_found", ""),
    Row("detail odd", "draft", "get", P + "?view=draft&preview=x", None, 400, "validation_error", ""),
)


def stand(given):
    """A post in the state that a row wants, beside another one."""
    factories.draft("post", 2, slug="other")
    if given == "gaps":
        return factories.draft(excerpt="", body="", slug="post-1")
    item = factories.live() if given == "live" else factories.draft()
    if given == "lost slug":
        item = factories.edit(item, slug="renamed")
        factories.draft("post", 3, slug="post-1")
    if given == "edited":
        return factories.edit(item, excerpt="Edited.")
    if given.startswith("trash"):
        item = factories.moved(item, "trash")
        if given == "trash taken":
            factories.draft("post", 1)
    if given == "review":
        item = factories.moved(item, "submit")
    if given == "scheduled":
        item = factories.scheduled(item)
    return item


def call(client, row, item):
    path = row.path.format(slug=item.draft_slug, id=item.pk)
    headers = {"If-Match": f'"v{item.lock_version}"' if row.match == "now" else row.match} if row.match else {}
    return (
        getattr(client, row.method)(path, row.body, headers=headers)
        if row.body is not None
        else getattr(client, row.method)(path, headers=headers)
    )


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.id)
def test_a_row_of_the_table(editor, row):
    item = stand(row.given)
    known = events()
    versions = Revision.objects.count()
    before = Post.objects.values("pk", "state", "lock_version").get(pk=item.pk)

    answer = call(editor, row, item)

    body = answer.json() if answer.content else {}
    assert (answer.status_code, body.get("code", "")) == (row.status, row.code), body
    assert [action for _, action in events() - known] == ([row.event] if row.event else [])
    assert answer["Cache-Control"] in {"private, no-store", "no-store"}
    if row.code:
        assert Revision.objects.count() == versions
        assert Post.objects.values("pk", "state", "lock_version").get(pk=item.pk) == before
