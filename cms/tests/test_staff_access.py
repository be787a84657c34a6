"""Who may do what with content, and what every staff operation of a type answers alike.

From the table of `test_staff_api` and this file follows the set of codes that each operation may give; the API's
description lists these and no more.
"""

import re
from typing import Any, NamedTuple

import pytest
from drf_spectacular.generators import SchemaGenerator
from rest_framework.test import APIClient

from accounts.models import Session, User
from accounts.tests import factories as accounts
from audit.models import AuditEvent
from bookings.tests.factories import bearer, make_booking
from cms.actions import drafts
from cms.models import Post, PreviewToken, Revision, SiteSettings
from cms.tests import factories
from cms.tests.test_staff_api import LATER, NOBODY, ROWS
from common import clock

pytestmark = pytest.mark.django_db
ITEM = "/api/blogs/post-1"


class Operation(NamedTuple):
    """How to call one on a draft, and the roles that may besides Owners and Editors."""

    method: str
    path: str
    body: Any = None
    others: tuple[str, ...] = ()


READERS = ("Author", "Auditor")
OPERATIONS = {
    "createPost": Operation("post", "/api/blogs", {"title": "New"}, ("Author",)),
    "updatePost": Operation("patch", ITEM, {"excerpt": "Other."}, ("Author",)),
    "trashPost": Operation("delete", ITEM),
    "submitPost": Operation("post", f"{ITEM}/submit", {}, ("Author",)),
    "unsubmitPost": Operation("post", f"{ITEM}/unsubmit", {}, ("Author",)),
    "publishPost": Operation("post", f"{ITEM}/publish", {}),
    "unpublishPost": Operation("post", f"{ITEM}/unpublish", {}),
    "archivePost": Operation("post", f"{ITEM}/archive", {}),
    "restorePost": Operation("post", f"{ITEM}/restore", {}),
    "schedulePost": Operation("post", f"{ITEM}/schedule", {"publish_at": LATER}),
    "unschedulePost": Operation("post", f"{ITEM}/unschedule", {}),
    "listPostRevisions": Operation("get", f"{ITEM}/revisions", None, READERS),
    "getPostRevision": Operation("get", f"{ITEM}/revisions/1", None, READERS),
    "restorePostRevision": Operation("post", f"{ITEM}/revisions/1/restore", {}, ("Author",)),
    "listPostPreviewLinks": Operation("get", f"{ITEM}/preview-links", None, READERS),
    "createPostPreviewLink": Operation("post", f"{ITEM}/preview-links", {}),
    "revokePostPreviewLink": Operation("delete", f"{ITEM}/preview-links/{NOBODY}"),
}
DRAFTS = {"listPosts": "/api/blogs?view=draft", "getPost": f"{ITEM}?view=draft"}
READS = {name: Operation("get", path, None, READERS) for name, path in DRAFTS.items()}
CREDENTIALS = {
    "not_authenticated", "token_invalid", "token_expired", "session_revoked", "user_inactive", "two_factor_required",
    "permission_denied",
}  # fmt: skip
BODY = {"malformed_json", "validation_error", "payload_too_large", "unsupported_media_type"}
ALWAYS = {"method_not_allowed", "not_acceptable", "internal_error", "database_unavailable"}
BAD_BODIES = [
    (b"{", "application/json", (400, "malformed_json")),
    (b'{"surplus": 1}', "application/json", (400, "validation_error")),
    (b'{"a": "' + b"x" * 1024 * 1024 + b'"}', "application/json", (413, "payload_too_large")),
    (b"a=1", "application/x-www-form-urlencoded", (415, "unsupported_media_type")),
]
every = pytest.mark.parametrize("name", [*OPERATIONS, *READS])
ALL = OPERATIONS | READS


def call(client: APIClient, name: str, path: str = "", **headers: str) -> Any:
    one = ALL[name]
    arguments = {} if one.body is None else {"data": one.body}
    if name == "updatePost":
        headers.setdefault("If-Match", '"v1"')
    return getattr(client, one.method)(path or one.path, headers=headers, **arguments)


def answer_of(response: Any) -> tuple[int, str]:
    return response.status_code, response.json().get("code", "") if response.content else ""


@pytest.fixture
def unchanged():
    """A draft that is as it was when the test ends, with nothing written about it."""
    factories.draft()
    yield
    assert Post.objects.values_list("state", "lock_version", "deleted_at").get(slug="post-1") == ("draft", 1, None)
    assert (Post.objects.count(), Revision.objects.count(), PreviewToken.objects.count()) == (1, 1, 0)


@every
@pytest.mark.usefixtures("unchanged")
def test_without_a_good_credential(api, name):
    for headers, code in (({}, "not_authenticated"), ({"Authorization": "Bearer nonsense"}, "token_invalid")):
        response = call(api, name, **headers)
        assert answer_of(response) == (401, code)
        assert response["WWW-Authenticate"].startswith("Bearer")


@every
@pytest.mark.usefixtures("unchanged")
def test_with_one_that_is_over(name):
    client = accounts.staff("Editor")[1]
    with clock.shift(301):
        assert answer_of(call(client, name)) == (401, "token_expired")
    Session.objects.update(revoked_at=clock.db_now(), revoke_reason="revoked")
    assert answer_of(call(client, name)) == (401, "session_revoked")
    User.objects.update(is_active=False)
    assert answer_of(call(client, name)) == (401, "user_inactive")


@every
def test_a_customer_may_not(api, name):
    assert answer_of(call(api, name, Authorization=bearer(make_booking())["HTTP_AUTHORIZATION"])) == (
        403,
        "permission_denied",
    )


@every
@pytest.mark.usefixtures("unchanged")
def test_the_second_factor_is_asked_for(settings, name):
    client = accounts.staff("Editor")[1]
    settings.STAFF_TWO_FACTOR = "required"
    assert answer_of(call(client, name)) == (403, "two_factor_required")


@every
def test_the_roles(name):
    factories.draft()
    for held in ("Sales", "Auditor", "Author"):
        user, client = accounts.staff(held)
        Post.objects.filter(slug="post-1").update(created_by=user if held == "Author" else None)
        refused = call(client, name).status_code in {403, 404}
        assert refused == (held not in ALL[name].others and (held, name) != ("Sales", "listPosts")), held


@pytest.mark.parametrize("name", [name for name, one in ALL.items() if one.path.startswith(ITEM)])
def test_what_is_not_there_is_404(name):
    client = accounts.staff("Editor")[1]
    for slug in ("none", NOBODY, "A%00B"):
        assert answer_of(call(client, name, ALL[name].path.replace("post-1", slug))) == (404, "not_found")


STALE = [
    name
    for name, one in OPERATIONS.items()
    if one.method != "get" and name != "createPost" and "PreviewLink" not in name
]


@pytest.mark.parametrize("name", STALE)
@pytest.mark.usefixtures("unchanged")
def test_a_stale_version_is_412(name):
    client = accounts.staff("Editor")[1]
    for given in ('"v2"', 'W/"v1"', "*", "v1", '"v1', '"1"'):
        assert answer_of(call(client, name, **{"If-Match": given})) == (412, "precondition_failed"), given


@pytest.mark.parametrize("name", [name for name, one in OPERATIONS.items() if one.body is not None])
@pytest.mark.usefixtures("unchanged")
def test_bodies(name):
    client = accounts.staff("Editor")[1]
    one = OPERATIONS[name]
    headers = {"If-Match": '"v1"'} if name == "updatePost" else {}
    for raw, kind, expected in BAD_BODIES:
        response = client.generic(one.method.upper(), one.path, raw, content_type=kind, headers=headers)
        assert answer_of(response) == expected


@every
@pytest.mark.usefixtures("unchanged")
def test_queries(name):
    path = ALL[name].path
    surplus = f"{path}{'&' if '?' in path else '?'}surplus=1"
    assert answer_of(call(accounts.staff("Editor")[1], name, surplus)) == (400, "validation_error")


def _described() -> dict[str, set[str]]:
    found = {}
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    for methods in paths.values():
        for one in methods.values():
            kinds = [answer.get("content", {}) for answer in one["responses"].values()]
            problems = [
                kind["application/problem+json"]["schema"] for kind in kinds if "application/problem+json" in kind
            ]
            enums = [part["properties"]["code"]["enum"] for schema in problems for part in schema["allOf"][1:]]
            found[one["operationId"]] = {code for codes in enums for code in codes}
    return found


def _in_the_table(name: str) -> set[str]:
    """The codes of the table's rows that call an operation."""
    one = ALL[name]
    pattern = re.escape(one.path.partition("?")[0]).replace("post\\-1", r"[^/]+").replace("/1", r"/\d+")
    pattern = pattern.replace(re.escape(NOBODY), r"[^/]+")
    calls = [row for row in ROWS if row.method == one.method and re.fullmatch(pattern, row.path.partition("?")[0])]
    assert calls, name
    return {row.code for row in calls if row.code}


def test_the_description_names_each_code_and_no_more():
    described = _described()
    for name, one in OPERATIONS.items():
        expected = ALWAYS | CREDENTIALS | {"validation_error"} | _in_the_table(name)
        expected |= BODY if one.body is not None else set()
        expected |= {"not_found"} if one.path.startswith(ITEM) else set()
        expected |= {"precondition_failed"} if name in STALE else set()
        assert described[name] == expected, name


def test_the_other_types_have_the_same_operations():
    described = _described()
    for kind in ("Service", "Project", "Testimonial"):
        for name in ALL:
            own = name.replace("Post", kind)
            assert described[own] == described[name], own


class TestAuthors:
    """Authors write their own drafts, and see of others what is public."""

    @pytest.fixture
    def me(self):
        return accounts.staff("Author")

    def test_they_write_and_hand_in_their_own(self, me):
        client = me[1]
        made = client.post("/api/blogs", {"title": "Mine", "excerpt": "E", "body": "<p>Words</p>"})
        assert made.status_code == 201
        changed = client.patch("/api/blogs/mine", {"excerpt": "F"}, headers={"If-Match": made["ETag"]})
        assert changed.status_code == 200
        assert client.post("/api/blogs/mine/submit").json()["state"] == "in_review"
        assert client.post("/api/blogs/mine/unsubmit").json()["state"] == "draft"
        assert client.get("/api/blogs/mine/revisions").status_code == 200
        for move in ("publish", "schedule", "archive", "unpublish", "restore"):
            assert answer_of(client.post(f"/api/blogs/mine/{move}", {})) == (403, "permission_denied")
        assert client.delete("/api/blogs/mine").status_code == 403

    def test_a_colleagues_draft_is_not_there(self, me):
        item = factories.draft()
        client = me[1]
        for name in ("post-1", item.pk):
            assert client.get(f"/api/blogs/{name}?view=draft").status_code == 404
            assert client.get(f"/api/blogs/{name}/revisions").status_code == 404
            patched = client.patch(f"/api/blogs/{name}", {"excerpt": "X"}, headers={"If-Match": '"v1"'})
            assert patched.status_code == 404
            assert client.post(f"/api/blogs/{name}/submit").status_code == 404
        assert client.get("/api/blogs?view=draft").json()["data"] == []

    def test_of_what_is_public_they_see_what_is_public(self, me):
        factories.edit(
            factories.live(), title="Hidden", slug="hidden", excerpt="Hidden.", tags=[factories.tag("Hidden")]
        )
        client = me[1]
        seen = client.get("/api/blogs/post-1?view=draft")
        assert (seen.status_code, seen.json()["title"], seen.json()["tags"]) == (200, "Post 1", [])
        assert (seen.json()["state"], seen.json()["latest_revision"], seen.json()["live_revision"]) == ("live", 2, 2)
        listed = client.get("/api/blogs?view=draft").content.decode()
        assert "idden" not in seen.content.decode() + listed
        assert client.get("/api/blogs/hidden?view=draft").status_code == 404
        assert client.get("/api/blogs?view=draft&slug=hidden").json()["data"] == []
        for path in ("revisions", "revisions/1", "preview-links"):
            assert client.get(f"/api/blogs/post-1/{path}").status_code == 403
        patched = client.patch("/api/blogs/post-1", {"excerpt": "X"}, headers={"If-Match": '"v3"'})
        assert answer_of(patched) == (403, "permission_denied")

    def test_a_plan_for_what_is_public_is_not_told(self, me):
        factories.scheduled(factories.edit(factories.live(), excerpt="Newer."))
        seen = me[1].get("/api/blogs/post-1?view=draft").json()
        assert (seen["state"], seen["publish_at"]) == ("live", None)
        assert me[1].get("/api/blogs?view=draft&state=scheduled").json()["data"] == []
        assert len(me[1].get("/api/blogs?view=draft&state=live").json()["data"]) == 1

    def test_they_cannot_name_a_colleagues_draft(self, me):
        factories.draft("post", 2, slug="secret")
        answer = me[1].post("/api/blogs", {"title": "Mine", "related": ["secret"]})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#/related/0")
        factories.draft("testimonial", 2, slug="praise")
        answer = me[1].post("/api/projects", {"title": "Mine", "testimonial": "praise"})
        assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, "#/testimonial")


def test_settings_are_for_editors(api):
    factories.site()
    known = AuditEvent.objects.count()
    calls = [
        ("patch", "/api/settings", {"identity": {"tagline": "T"}}),
        ("post", "/api/settings/publish", {}),
        ("post", "/api/settings/schedule", {"publish_at": LATER}),
        ("post", "/api/settings/unschedule", {}),
        ("post", "/api/settings/revisions/1/restore", {}),
    ]
    for method, path, body in calls:
        assert getattr(api, method)(path, body).status_code == 401
        for held in ("Author", "Sales", "Auditor"):
            user = User.objects.filter(email=f"{held.lower()}@example.com").first()
            client = accounts.sign_in(user) if user else accounts.staff(held)[1]
            assert getattr(client, method)(path, body, headers={"If-Match": '"v2"'}).status_code == 403
    assert AuditEvent.objects.filter(action__startswith="content.").count() <= known
    editor = accounts.staff("Editor")[1]
    changed = editor.patch("/api/settings", {"identity": {"tagline": "T"}}, headers={"If-Match": '"v2"'})
    planned = editor.post("/api/settings/schedule", {"publish_at": LATER}, headers={"If-Match": changed["ETag"]})
    assert (planned.status_code, planned.json()["state"], planned.json()["publish_at"]) == (200, "scheduled", LATER)
    called_off = editor.post("/api/settings/unschedule")
    assert (called_off.status_code, called_off.json()["state"]) == (200, "live")
    assert answer_of(editor.patch("/api/settings", {})) == (428, "precondition_required")


def test_unpublished_settings_are_not_told_to_those_who_see_no_drafts(api):
    item = factories.site()
    factories.edit(item, tagline="Hidden")
    client = accounts.staff("Author")[1]
    seen = client.get("/api/settings?view=draft")
    assert (seen.status_code, seen.json()["identity"]["tagline"], seen.json()["latest_revision"]) == (200, "", 2)
    assert client.get("/api/settings/revisions").status_code == 403
    editor = accounts.staff("Editor")[1]
    assert editor.get("/api/settings?view=draft").json()["identity"]["tagline"] == "Hidden"
    assert editor.head("/api/settings?view=draft")["ETag"] == '"v3"'


def test_settings_that_nobody_published_are_those_that_readers_see(api):
    drafts.create(model=SiteSettings, values={"name": "Hidden"}, by=factories.BY)
    seen = accounts.staff("Author")[1].get("/api/settings?view=draft")
    assert (seen.status_code, seen["ETag"]) == (200, '"v0"')
    assert seen.json()["identity"] == api.get("/api/settings").json()["identity"]
