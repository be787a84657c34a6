"""What must hold for the type of docs/extending.md; run by `test_page.py` in a copy of the project that has it."""

import pytest
from cms.types.event.models import Event
from django.test import Client

from accounts.tests import factories as accounts
from audit.models import AuditEvent
from cms.actions import drafts, publishing
from cms.models import Change
from common.actor import Actor

pytestmark = pytest.mark.django_db
BY = Actor.system("test")
VALUES = {"title": "Open day", "summary": "Come by.", "body": "<p>All day.</p>", "held_on": "2027-03-04"}


def live(**values):
    return publishing.publish(item=drafts.create(model=Event, values={**VALUES, **values}, by=BY), by=BY)


def test_the_list_and_its_filter(api, django_assert_max_num_queries):
    live()
    live(title="Later", held_on="2028-01-01")
    drafts.create(model=Event, values={"title": "Hidden"}, by=BY)
    with django_assert_max_num_queries(4):
        answer = api.get("/api/events?year=2027")
    assert [(row["slug"], row["held_on"], row["place"]) for row in answer.json()["data"]] == [
        ("open-day", "2027-03-04", "")
    ]
    assert answer["Surrogate-Key"] == "events"
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert answer["Cache-Control"].startswith("public")
    assert [row["slug"] for row in api.get("/api/events?sort=-held_on").json()["data"]] == ["later", "open-day"]
    assert [row["slug"] for row in api.get("/api/events?q=later").json()["data"]] == ["later"]
    assert api.get("/api/events?colour=red").status_code == 400


def test_the_detail_its_tags_and_its_end(api):
    event = live()
    answer = api.get("/api/events/open-day")
    assert answer.json()["body"]["html"] == "<p>All day.</p>"
    assert answer["Surrogate-Key"] == "events events:open-day"
    publishing.unpublish(item=event, by=BY)
    assert api.get("/api/events/open-day").status_code == 410
    assert list(Change.objects.values_list("type", "data__tags")) == [
        ("content.published", ["events", "events:open-day"]),
        ("content.unpublished", ["events", "events:open-day"]),
    ]


def test_staff_write_it_over_the_api():
    editor = accounts.staff("Editor")[1]
    made = editor.post("/api/events", {"title": "Workshop", "body": "<p onclick=x>A</p><script>1</script>"})
    assert made.status_code == 201, made.content
    assert editor.post("/api/events/workshop/publish").json()["code"] == "not_publishable"
    body = {"summary": "Come.", "held_on": "2027-05-06", "place": "Nairobi"}
    changed = editor.patch("/api/events/workshop", body, HTTP_IF_MATCH=made["ETag"])
    assert changed.status_code == 200, changed.content
    assert editor.post("/api/events/workshop/publish").status_code == 200
    shown = editor.get("/api/events/workshop").json()
    assert (shown["place"], shown["body"]["html"]) == ("Nairobi", "<p>A</p>")
    assert {"content.created", "content.saved", "content.published"} <= set(
        AuditEvent.objects.values_list("action", flat=True)
    )


def test_others_may_not(api):
    auditor = accounts.staff("Auditor")[1]
    assert api.post("/api/events", {"title": "New"}).status_code == 401
    assert auditor.post("/api/events", {"title": "New"}).status_code == 403
    assert Event.objects.count() == 0


def test_its_admin_pages():
    client = Client()
    client.force_login(accounts.make_user("editor@example.com", held=("Editor",)))
    event = live()
    for path in ("/admin/cms/event/", "/admin/cms/event/add/", f"/admin/cms/event/{event.pk}/change/"):
        assert client.get(path).status_code == 200
    stranger = Client()
    stranger.force_login(accounts.make_user("sales@example.com", held=("Sales",)))
    assert stranger.get("/admin/cms/event/add/").status_code == 403
