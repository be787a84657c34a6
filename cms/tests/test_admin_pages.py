"""The pages beside a draft's form: its history, its schedule, its preview links, and the form's autosave."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from audit.models import AuditEvent
from cms.actions import previews, publishing
from cms.admin import words
from cms.constants import State
from cms.models import Post, PreviewToken, Revision
from cms.tests import factories
from cms.tests.factories import BY
from cms.tests.test_admin import client_of, form_of, post_values
from common.clock import db_now

pytestmark = pytest.mark.django_db
WITHIN = 15
PICKER = "/admin/autocomplete/?app_label=cms&model_name=project&field_name=services&term="


@pytest.fixture
def editor_client():
    return client_of("Editor")


def url(item, page=""):
    return f"/admin/cms/{item._meta.model_name}/{item.pk}/{page}"


def text_of(answer):
    return answer.content.decode()


def actions_of(item):
    return [event.action for event in AuditEvent.objects.filter(target_id=str(item.pk)).order_by("id")]


def wall(days, hour=9):
    """A time of the studio so many days from now, as its picker sends it."""
    return (timezone.localtime(db_now()) + timedelta(days=days)).strftime(f"%Y-%m-%dT{hour:02d}:00")


# --- history ---------------------------------------------------------------------------------------------------------


def test_the_history_says_who_when_what_and_why(editor_client):
    item = publishing.publish(item=factories.draft(), by=BY, comment="Checked by Ana")
    factories.edit(item, title="Newer")
    page = text_of(editor_client.get(url(item, "history/")))

    assert re.findall(r'<th scope="row">(\d+)', page) == ["3", "2", "1"]
    assert "Published" in page
    assert "Checked by Ana" in page
    assert BY.label in page
    assert re.search(r'name="from" value="2" checked', page)
    assert re.search(r'name="to" value="3" checked', page)


def test_two_versions_stand_side_by_side_and_nothing_of_them_is_markup(editor_client):
    item = factories.live(title="One word", body="<p>Stays.</p><p>Goes.</p>")
    factories.edit(item, title="Two words", body="<p>Stays.</p><p>Comes &lt;script&gt;.</p>")
    page = text_of(editor_client.get(url(item, "history/compare/")))

    assert "<del>One word</del>" in page
    assert "<ins>Two words</ins>" in page
    assert "<del>Goes.</del>" in page
    assert "<ins>Comes &lt;script&gt;.</ins>" in page
    assert "<script>." not in page
    assert "They do not differ" in text_of(editor_client.get(url(item, "history/compare/?from=1&to=2")))


def test_relations_are_compared_by_their_names(editor_client):
    item = factories.draft(tags=[factories.tag("Delivery")])
    factories.edit(item, tags=[factories.tag("Practice")])
    page = text_of(editor_client.get(url(item, "history/compare/")))

    assert "<del>Delivery</del>" in page
    assert "<ins>Practice</ins>" in page


@pytest.mark.parametrize("asked", ["?from=99&to=1", "?from=x", "?from=-1", "?from=9999999999", "?from=²"])
def test_versions_that_are_not_there_are_not_found(editor_client, asked):
    assert editor_client.get(url(factories.draft(), f"history/compare/{asked}")).status_code == 404


def test_going_back_asks_first_and_makes_a_new_draft(editor_client, api):
    item = factories.live(title="First", slug="first")
    factories.republish(item, title="Second")
    item = Post.objects.get()
    asked = editor_client.get(url(item, "history/1/restore/"))
    assert "<del>Second</del>" in text_of(asked)
    assert Post.objects.get().lock_version == item.lock_version

    sent = {"read_version": item.lock_version, "comment": "It was better"}
    answer = editor_client.post(url(item, "history/1/restore/"), sent, follow=True)

    item = Post.objects.get()
    assert "The draft is version 1 again." in text_of(answer)
    assert (item.draft_title, item.title) == ("First", "Second")
    assert (item.latest_revision.kind, item.latest_revision.comment) == ("restore", "It was better")
    assert api.get("/api/blogs/first").json()["title"] == "Second"


def test_going_back_is_refused_when_somebody_saved_meanwhile(editor_client):
    item = factories.draft(title="First")
    sent = {"read_version": item.lock_version}
    factories.edit(item, title="Second")

    answer = editor_client.post(url(item, "history/1/restore/"), sent)

    assert answer.status_code == 200
    assert "errornote" in text_of(answer)
    assert Post.objects.get().draft_title == "Second"


def test_a_long_history_is_paged_and_costs_as_much(editor_client):
    item = factories.draft()
    counts = []
    for start in (0, 40):
        for number in range(start, start + (3 if not start else 40)):
            factories.edit(item, title=f"Title {number}")
        with CaptureQueriesContext(connection) as queries:
            editor_client.get(url(item, "history/"))
        counts.append(len(queries))
    assert counts[0] == counts[1] <= WITHIN
    assert "Page 1 of 2" in text_of(editor_client.get(url(item, "history/")))


# --- schedule --------------------------------------------------------------------------------------------------------


def test_planning_changing_and_calling_off(editor_client):
    item = factories.draft()
    page = url(item, "schedule/")
    sent = {"publish_at": wall(2), "unpublish_at": wall(4), "comment": "", "read_version": item.lock_version}
    answer = editor_client.post(page, sent, follow=True)

    item = Post.objects.get()
    assert item.state == State.SCHEDULED
    assert timezone.localtime(item.publish_at).strftime("%H:%M") == "09:00"
    assert f"Scheduled {words.moment(item.publish_at)}, in 2 days" in text_of(answer)
    listed = text_of(editor_client.get("/admin/cms/post/?stands=scheduled"))
    assert f"Scheduled {words.moment(item.publish_at)}, in 2 days" in listed
    assert f'value="{wall(2)}"' in text_of(editor_client.get(page))

    again = {"publish_at": wall(3), "comment": "", "read_version": item.lock_version}
    assert "in 3 days" in text_of(editor_client.post(page, again, follow=True))
    assert Post.objects.get().unpublish_at is None
    editor_client.post(page, {"_unschedule": "1"})
    assert (Post.objects.get().state, Post.objects.get().publish_at) == (State.DRAFT, None)
    assert actions_of(item)[-2:] == ["content.scheduled", "content.unscheduled"]
    assert actions_of(item).count("content.scheduled") == 2


@pytest.mark.parametrize(
    ("times", "words_of_refusal"),
    [
        ({"publish_at": "2020-01-01T09:00"}, "This time has passed."),
        ({"publish_at": ""}, "This field is required."),
        ({"publish_at": "tomorrow"}, "Write it as 2026-11-24 09:00."),
        ({"publish_at": wall, "unpublish_at": "2020-01-01T09:00"}, "errorlist"),
    ],
)
def test_times_that_cannot_be_are_refused_and_kept_in_the_form(editor_client, times, words_of_refusal):
    item = factories.draft()
    sent = {name: value(2) if callable(value) else value for name, value in times.items()}
    answer = editor_client.post(url(item, "schedule/"), sent | {"read_version": item.lock_version})

    assert answer.status_code == 200
    assert words_of_refusal in text_of(answer)
    assert all(f'value="{value}"' in text_of(answer) for value in sent.values() if value.startswith("20"))
    assert Post.objects.get().state == State.DRAFT
    assert actions_of(item) == ["content.created"]


def test_a_time_that_clocks_skip_is_refused_in_a_sentence(editor_client, settings):
    settings.STUDIO_TIME_ZONE = settings.TIME_ZONE = "Europe/Berlin"
    item = factories.draft()
    year = db_now().year + 1
    last_sunday = next(day for day in range(31, 24, -1) if timezone.datetime(year, 3, day).weekday() == 6)
    sent = {"publish_at": f"{year}-03-{last_sunday}T02:30", "read_version": item.lock_version}

    answer = editor_client.post(url(item, "schedule/"), sent)

    assert "skip this time" in text_of(answer)
    assert Post.objects.get().publish_at is None


def test_the_schedule_names_the_zone_and_what_is_missing(editor_client, settings):
    page = text_of(editor_client.get(url(factories.draft(excerpt=""), "schedule/")))

    assert settings.STUDIO_TIME_ZONE in page
    assert "An excerpt is needed." in page


def test_settings_are_scheduled_without_an_end(editor_client):
    item = factories.site()
    factories.edit(item, name="Anew")
    page = text_of(editor_client.get(url(item, "schedule/")))
    assert "unpublish_at" not in page

    row = type(item).objects.get()
    editor_client.post(url(item, "schedule/"), {"publish_at": wall(3), "read_version": row.lock_version})
    assert type(item).objects.get().state == State.SCHEDULED


# --- preview links ---------------------------------------------------------------------------------------------------


def test_links_are_made_shown_once_listed_and_closed(editor_client, client):
    item = factories.draft()
    page = url(item, "previews/")
    made = text_of(editor_client.post(page, {"hours": "24"}, follow=True))
    address = re.search(r'href="http://testserver(/blog/[^"]+\?preview=pv_[^"]+)"', made)[1]
    link = PreviewToken.objects.get()
    assert link.expires_at - link.created_at == timedelta(hours=24)
    assert client.get(address).status_code == 200

    again = text_of(editor_client.get(page))
    assert "pv_" not in again
    assert "once" in again
    editor_client.post(url(item, f"previews/{link.pk}/revoke/"))
    assert client.get(address).status_code == 404
    assert actions_of(item) == ["content.created", "preview.issued", "preview.revoked"]


def test_the_bar_saves_and_offers_a_preview(editor_client, client):
    item = factories.draft()
    sent = form_of(editor_client, url(item, "change/")) | {"title": "Seen before", "_preview": "1"}
    page = text_of(editor_client.post(url(item, "change/"), sent, follow=True))

    address = re.search(r'href="http://testserver(/blog/[^"]+\?preview=pv_[^"]+)"', page)[1]
    assert "Seen before" in client.get(address).content.decode()
    assert Post.objects.get().draft_title == "Seen before"


def test_an_older_version_can_be_shown(editor_client, client):
    item = factories.draft(title="Older")
    factories.edit(item, title="Newer")
    made = text_of(editor_client.post(url(item, "previews/"), {"hours": "72", "version": "1"}, follow=True))
    address = re.search(r'href="http://testserver(/blog/[^"]+\?preview=pv_[^"]+)"', made)[1]
    assert "Older" in client.get(address).content.decode()


# --- autosave and conflicts ------------------------------------------------------------------------------------------


def sent_by_script(client, item, **values):
    return client.post(url(item, "autosave/"), form_of(client, url(item, "change/")) | values)


def test_what_is_typed_is_saved_by_itself(editor_client):
    item = factories.live(title="Live")
    first = sent_by_script(editor_client, item, title="Typing")
    assert first.status_code == 200
    row = Post.objects.get()
    assert first.json()["version"] == row.lock_version
    assert first.json()["words"].startswith("Draft saved ")
    assert (row.draft_title, row.title, row.latest_revision.kind) == ("Typing", "Live", "autosave")

    second = sent_by_script(editor_client, item, title="Typing on")
    assert second.status_code == 200
    assert Revision.objects.filter(kind="autosave").count() == 1
    assert Post.objects.get().draft_title == "Typing on"


def test_the_script_is_told_of_a_conflict_a_fault_and_a_missing_right(editor_client):
    item = factories.draft(title="Theirs")
    stale = form_of(editor_client, url(item, "change/")) | {"title": "Mine"}
    factories.edit(item, excerpt="Meanwhile")
    before = Post.objects.values().get()

    conflict = editor_client.post(url(item, "autosave/"), stale)
    assert conflict.status_code == 409
    assert "changed this meanwhile" in conflict.json()["words"]
    fault = sent_by_script(editor_client, item, title="")
    assert (fault.status_code, "Title" in fault.json()["words"]) == (422, True)
    assert client_of("Auditor").post(url(item, "autosave/"), stale).status_code == 403
    assert editor_client.get(url(item, "autosave/")).status_code == 405
    assert Post.objects.values().get() == before


def test_the_script_gets_a_preview_of_what_was_typed(editor_client, client):
    item = factories.draft()
    answer = sent_by_script(editor_client, item, title="Just typed", _with_preview="1").json()
    assert "Just typed" in client.get(answer["preview"].removeprefix("http://testserver")).content.decode()


def test_a_conflict_shows_both_and_keeps_what_was_chosen(editor_client):
    item = factories.draft(title="Base", excerpt="Base")
    path = url(item, "change/")
    number = item.latest_revision.number
    sent = form_of(editor_client, path) | {"title": "Mine", "read_number": str(number), "_save": "1"}
    factories.edit(item, excerpt="Theirs")

    shown = editor_client.post(path, sent)
    page = text_of(shown)
    assert shown.status_code == 200
    assert "<del>Base</del>" in page
    assert "<ins>Mine</ins>" in page
    assert re.search(r'name="keep_theirs" value="excerpt" checked', page)
    assert re.search(r'name="keep_theirs" value="title">', page)
    assert Post.objects.get().draft_title == "Base"

    again = {**sent, "read_version": shown.context["adminform"].form["read_version"].value(), "keep_theirs": "excerpt"}
    assert editor_client.post(path, again).status_code == 302
    snapshot = Post.objects.get().latest_revision.snapshot
    assert (snapshot["title"], snapshot["excerpt"]) == ("Mine", "Theirs")


def test_missing_things_are_listed_with_links_to_their_fields(editor_client):
    item = factories.draft(excerpt="", body="")
    path = url(item, "change/")
    page = text_of(editor_client.post(path, form_of(editor_client, path) | {"_publish": "1"}))

    assert "Not published" in page
    for name in ("excerpt", "body"):
        assert f'href="#id_{name}_error"' in page
        assert f'id="id_{name}_error"' in page
    assert Post.objects.get().state == State.DRAFT


# --- who sees and does what ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["Author", "Sales"])
def test_a_colleagues_draft_is_nobody_elses(role):
    client = client_of(role)
    hidden = factories.draft("post", 1, title="Canary in a draft", slug="canary-slug")
    public = factories.live("post", 2, title="Seen by all")
    factories.edit(public, title="Canary in a newer version")
    publishing.schedule(item=public, publish_at=db_now() + timedelta(days=2), by=BY)
    quoted = factories.draft("testimonial", 1, person="Canary of a person")
    sold = factories.live("service", title="Sold by all")
    factories.edit(sold, title="Canary of a service")
    project = factories.live("project", 1, testimonial=quoted, services=[sold])

    for page in (
        "/admin/cms/post/",
        "/admin/cms/post/?q=Canary",
        "/admin/cms/project/",
        url(public, "change/"),
        url(project, "change/"),
        url(sold, "change/"),
        PICKER,
    ):
        answer = client.get(page)
        shown = re.sub('q(=|%3D)Canary|value="Canary"', "", text_of(answer))
        assert (answer.status_code, "Canary" in shown) == (200, False), page
    assert re.findall('class="chip[^>]*>([^<]+)', text_of(client.get("/admin/cms/post/"))) == ["Live"]
    for item in (hidden, public):
        for page in ("history/", "history/compare/", "history/1/restore/", "schedule/", "previews/", "autosave/"):
            assert client.get(url(item, page)).status_code in {302, 403}, page
    assert PreviewToken.objects.count() == 0


def test_an_author_is_offered_no_colleagues_draft_to_choose():
    factories.draft("post", 1, title="Canary in a draft")
    factories.draft("testimonial", 1, person="Canary of a person")
    factories.live("post", 2, title="Seen by all")
    client = client_of("Author")

    assert "Seen by all" in text_of(client.get("/admin/cms/post/add/"))
    for page in ("/admin/cms/post/add/", "/admin/cms/project/add/", "/admin/cms/testimonial/add/"):
        assert "Canary" not in text_of(client.get(page)), page


def test_an_author_keeps_a_choice_that_an_editor_made():
    client = client_of("Author")
    client.post("/admin/cms/post/add/", post_values(title="Mine"))
    mine, hidden = Post.objects.get(), factories.draft("post", 2, title="Canary in a draft")
    factories.edit(mine, related=[hidden])

    path = url(mine, "change/")
    assert "Canary" not in text_of(client.get(path))
    answer = client.post(path, form_of(client, path) | {"title": "Mine still", "_save": "1"})
    assert answer.status_code == 302, answer.context["adminform"].form.errors
    assert Post.objects.get(pk=mine.pk).latest_revision.snapshot["related"] == [str(hidden.pk)]


def test_an_author_previews_and_schedules_nothing():
    client = client_of("Author")
    client.post("/admin/cms/post/add/", post_values(title="Mine"))
    mine = Post.objects.get()
    page = text_of(client.get(url(mine, "change/")))
    for button in ("_preview", "_schedule", "_publish"):
        assert f'name="{button}"' not in page
    assert 'name="_save"' in page
    assert client.get(url(mine, "history/")).status_code == 200
    assert client.post(url(mine, "previews/"), {"hours": "24"}).status_code == 403
    assert client.post(url(mine, "schedule/"), {"publish_at": wall(2)}).status_code == 403
    assert (PreviewToken.objects.count(), Post.objects.get().state) == (0, State.DRAFT)


def test_an_auditor_reads_everything_and_changes_nothing():
    client, item = client_of("Auditor"), factories.draft(title="A draft")
    link = previews.issue(item=item, by=BY)
    before = Post.objects.values().get()

    for page in ("history/", "history/compare/", "schedule/", "previews/", "change/"):
        assert client.get(url(item, page)).status_code == 200, page
    assert "A draft" in text_of(client.get("/admin/cms/post/"))
    posts = {"history/1/restore/": {}, "previews/": {"hours": "24"}, f"previews/{link.id}/revoke/": {}}
    for page, sent in (posts | {"schedule/": {"publish_at": wall(2)}, "autosave/": {}}).items():
        assert client.post(url(item, page), sent).status_code == 403, page
    assert Post.objects.values().get() == before
    assert PreviewToken.objects.get().revoked_at is None
