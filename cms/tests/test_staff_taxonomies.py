"""Tags, categories, technologies and authors over the API."""

import pytest

from accounts.tests import factories as accounts
from audit.models import AuditEvent
from cms.actions import taxonomy
from cms.models import Author, ContentVersion, Tag
from cms.tests import factories
from cms.tests.factories import BY
from common.errors import NotFound

pytestmark = pytest.mark.django_db
TERMS = ["tags", "categories", "technologies"]


@pytest.fixture
def editor():
    return accounts.staff("Editor")[1]


def seen():
    return list(
        AuditEvent.objects.filter(action__startswith="taxonomy").order_by("at").values_list("action", flat=True)
    )


@pytest.mark.parametrize("path", TERMS)
def test_a_term_is_made_changed_and_removed(editor, api, path):
    made = editor.post(f"/api/{path}", {"name": "Good Things"})
    assert (made.status_code, made.json()) == (201, {"slug": "good-things", "name": "Good Things", "count": 0})
    assert made["Location"].endswith(f"/api/{path}/good-things")
    version = ContentVersion.objects.get().number

    changed = editor.patch(f"/api/{path}/good-things", {"name": "Better", "slug": "better"})
    assert (changed.status_code, changed.json()) == (200, {"slug": "better", "name": "Better", "count": 0})
    assert api.get(f"/api/{path}").json()["data"] == [{"slug": "better", "name": "Better", "count": 0}]
    assert ContentVersion.objects.get().number == version + 1

    gone = editor.delete(f"/api/{path}/better")
    assert (gone.status_code, gone.content) == (204, b"")
    assert api.get(f"/api/{path}").json()["data"] == []
    assert seen() == ["taxonomy.created", "taxonomy.updated", "taxonomy.deleted"]


def test_an_author_is_made_changed_and_removed(editor, api):
    picture = factories.asset()
    body = {"name": "Ana", "bio": "<p>Writes.</p>", "avatar": str(picture.pk)}
    made = editor.post("/api/authors", body)
    assert made.status_code == 201
    assert (made.json()["slug"], made.json()["bio"]["text"], made.json()["avatar"]["alt"]) == (
        "ana",
        "Writes.",
        "A grey rectangle",
    )
    changed = editor.patch("/api/authors/ana", {"avatar": None, "bio": None, "slug": None})
    assert (changed.status_code, changed.json()["slug"], changed.json()["avatar"]) == (200, "ana", None)
    assert api.get("/api/authors/ana").json() == changed.json()
    assert editor.delete("/api/authors/ana").status_code == 204
    assert api.get("/api/authors/ana").status_code == 404
    assert seen() == ["taxonomy.created", "taxonomy.updated", "taxonomy.deleted"]


def test_what_is_in_use_stays(editor):
    tag, author = factories.tag(), factories.author()
    factories.live(tags=[tag], authors=[author], category=factories.category())
    factories.live("service", technologies=[factories.technology()])
    known = AuditEvent.objects.count()
    for path in ("tags/delivery", "categories/practice", "technologies/django", "authors/wanjiru-kamau"):
        answer = editor.delete(f"/api/{path}")
        assert (answer.status_code, answer.json()["code"]) == (409, "in_use"), path
    assert (Tag.objects.count(), Author.objects.count(), AuditEvent.objects.count()) == (1, 1, known)


@pytest.mark.parametrize(
    ("body", "status", "code", "pointer"),
    [
        ({"name": "Other", "slug": "delivery"}, 409, "slug_taken", "#/slug"),
        ({"name": "Delivery"}, 409, "slug_taken", "#/slug"),
        ({"name": "DELIVERY", "slug": "other"}, 400, "validation_error", "#/name"),
        ({"name": "A\u0007"}, 400, "validation_error", "#/name"),
        ({"name": ""}, 400, "validation_error", "#/name"),
        ({"name": "A", "slug": "No Slug"}, 400, "validation_error", "#/slug"),
        ({"name": "A", "slug": "admin"}, 400, "validation_error", "#/slug"),
        ({"name": "A", "colour": "red"}, 400, "validation_error", "#/colour"),
        ({}, 400, "validation_error", "#/name"),
    ],
)
def test_what_is_refused_changes_nothing(editor, body, status, code, pointer):
    factories.tag()
    known = AuditEvent.objects.count()
    answer = editor.post("/api/tags", body)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert [one["pointer"] for one in answer.json()["errors"]] == [pointer]
    assert (Tag.objects.count(), AuditEvent.objects.count()) == (1, known)


def test_a_change_may_not_take_anothers_slug_or_name(editor):
    factories.tag("One")
    factories.tag("Two")
    taken = editor.patch("/api/tags/two", {"slug": "one"})
    assert (taken.status_code, taken.json()["code"]) == (409, "slug_taken")
    named = editor.patch("/api/tags/two", {"name": "ONE"})
    assert (named.status_code, named.json()["errors"][0]["pointer"]) == (400, "#/name")
    assert editor.patch("/api/tags/two", {"name": "TWO"}).json() == {"slug": "two", "name": "TWO", "count": 0}


@pytest.mark.parametrize("path", ["tags/none", "categories/none", "technologies/none", "authors/none", "tags/A%00"])
def test_what_is_not_there_is_404(editor, path):
    for call in (lambda: editor.patch(f"/api/{path}", {"name": "A"}), lambda: editor.delete(f"/api/{path}")):
        assert (call().status_code, call().json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(("held", "status"), [("Author", 403), ("Sales", 403), ("Auditor", 403)])
def test_only_some_may(api, held, status):
    factories.tag()
    client = accounts.staff(held)[1]
    for method, path in (("post", "tags"), ("patch", "tags/delivery"), ("delete", "tags/delivery")):
        assert getattr(client, method)(f"/api/{path}", {"name": "A"}).status_code == status
        refused = getattr(api, method)(f"/api/{path}", {"name": "A"})
        assert (refused.status_code, refused["WWW-Authenticate"]) == (401, 'Bearer realm="api"')
    assert Tag.objects.get().name == "Delivery"


@pytest.mark.parametrize(
    "act",
    [lambda row: taxonomy.update(row=row, values={"name": "B"}, by=BY), lambda row: taxonomy.delete(row=row, by=BY)],
)
def test_a_term_that_is_removed_meanwhile_is_not_found(act):
    row = factories.tag()
    Tag.objects.all().delete()
    with pytest.raises(NotFound):
        act(row)
    assert not AuditEvent.objects.filter(action__in=["taxonomy.updated", "taxonomy.deleted"]).exists()
