"""What is planned happens once, at its time or late and said so; what cannot happen is called off."""

from datetime import UTC, datetime, timedelta

import pytest

from audit.models import AuditEvent
from cms import selectors, workflow
from cms.actions import drafts, history, media, publishing, scheduling, taxonomy
from cms.constants import Disclosure, State
from cms.errors import InvalidTransition, NotPublishable, SlugTaken
from cms.models import Post, Revision, SlugClaim
from cms.tests import factories
from cms.tests.factories import BY
from common.clock import db_now, shift
from common.errors import PreconditionFailed, ValidationFailed
from jobs.models import Job

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)


def planned(item, after=HOUR, until=None, **values):
    now = db_now()
    times = {"publish_at": now + after, "unpublish_at": now + until if until else None}
    return publishing.schedule(item=item, by=BY, now=now, **times, **values)


def later(span):
    return scheduling.run_due(by=BY, now=db_now() + span)


def latest_event():
    return AuditEvent.objects.latest("id")


def again(item):
    return type(item).objects.get(pk=item.pk)


def alerts():
    return list(Job.objects.filter(kind="mail.alert").order_by("pk").values_list("args", flat=True))


def unchanged(item, error, action):
    before = (
        type(item).objects.filter(pk=item.pk).values().get(),
        Revision.objects.count(),
        AuditEvent.objects.count(),
    )
    with pytest.raises(error) as caught:
        action()
    after = (type(item).objects.filter(pk=item.pk).values().get(), Revision.objects.count(), AuditEvent.objects.count())
    assert after == before
    return caught.value


@pytest.mark.parametrize("start", ["draft", "in_review", "live"])
def test_a_draft_is_planned_from_where_the_table_says(start):
    item = factories.live(title="Old") if start == "live" else factories.draft(title="Old")
    if start == "in_review":
        item = publishing.submit(item=item, by=BY)
    number = selectors.content_version().number
    row = planned(factories.edit(item, title="New"), until=2 * HOUR, comment="For the launch")
    assert (row.state, row.unpublish_at - row.publish_at) == (State.SCHEDULED, HOUR)
    revision = Revision.objects.get(kind="schedule")
    assert (row.scheduled_revision, row.latest_revision) == (revision, revision)
    assert (revision.snapshot["title"], revision.comment, revision.published_at) == ("New", "For the launch", None)
    assert row.is_public == (start == "live")
    assert selectors.content_version().number == number
    event = latest_event()
    assert (event.action, event.before["state"], event.after["state"]) == ("content.scheduled", start, "scheduled")
    assert event.after["publish_at"] == row.publish_at.isoformat()
    assert event.reason == "For the launch"
    assert "schedule" not in workflow.allowed(row)


def test_it_is_published_at_its_time_and_not_before():
    item = planned(factories.draft())
    assert later(HOUR - MINUTE) == 0
    assert later(HOUR) == 1
    row = again(item)
    assert (row.state, row.publish_at, row.scheduled_revision_id) == (State.LIVE, None, None)
    assert row.live_revision == row.latest_revision == Revision.objects.get(kind="schedule")
    assert row.live_revision.published_at == row.published_at == row.first_published_at
    assert (latest_event().action, latest_event().reason) == ("content.published", "Published as scheduled.")
    assert later(2 * HOUR) == 0


def test_the_planned_version_is_published_also_when_the_draft_went_on():
    tag = factories.tag()
    item = planned(factories.draft(title="Planned", slug="planned", tags=[tag]))
    item = factories.edit(item, title="Later", slug="later", tags=[])
    assert set(SlugClaim.objects.values_list("slug", flat=True)) == {"planned", "later"}
    with pytest.raises(SlugTaken):
        factories.draft(number=2, slug="planned")
    later(HOUR)
    row = again(item)
    assert (row.title, row.slug, list(row.tags.all())) == ("Planned", "planned", [tag])
    assert (row.draft_title, row.draft_slug, row.has_unpublished_changes) == ("Later", "later", True)
    row = publishing.publish(item=row, by=BY)
    assert (row.title, row.slug, row.has_unpublished_changes) == ("Later", "later", False)


def test_what_is_live_stays_so_until_the_newer_version_is_due(api):
    item = planned(factories.edit(factories.live(title="Old", slug="old"), title="New", slug="newer"))
    assert api.get("/api/blogs/old").json()["title"] == "Old"
    assert api.get("/api/blogs/newer").status_code == 404
    later(HOUR)
    assert api.get("/api/blogs/newer").json()["title"] == "New"
    assert api.get("/api/blogs/old").status_code == 301
    assert again(item).published_at == item.published_at


def test_it_comes_off_the_site_at_its_time():
    item = planned(factories.draft(), until=3 * HOUR)
    later(HOUR)
    assert again(item).unpublish_at == item.unpublish_at
    later(3 * HOUR)
    row = again(item)
    assert (row.state, row.is_public, row.unpublish_at) == (State.DRAFT, False, None)
    assert (latest_event().action, latest_event().reason) == ("content.unpublished", "Taken off the site as scheduled.")


def test_a_worker_that_was_away_publishes_once_and_says_how_late():
    item = planned(factories.draft())
    due = item.publish_at.astimezone(UTC) + timedelta(hours=3)  # the studio's clocks
    assert later(2 * HOUR + 5 * MINUTE) == 1
    assert later(2 * HOUR + 6 * MINUTE) == 0
    assert latest_event().reason == f"Published 1 h 5 min late; it was due at {due:%Y-%m-%d %H:%M} EAT."
    assert AuditEvent.objects.filter(action="content.published").count() == 1


def test_a_passed_time_is_made_up_for_by_the_next_run():
    item = planned(factories.draft(), after=-HOUR)
    assert again(item).is_public is False
    assert later(0 * HOUR) == 1
    assert again(item).is_public
    assert latest_event().reason.startswith("Published 1 h 0 min late")


def test_coming_off_late_is_said_too():
    planned(factories.draft(), until=2 * HOUR)
    later(HOUR)
    later(2 * HOUR + 7 * MINUTE)
    assert latest_event().reason.startswith("Taken off the site 7 min late")


def test_what_would_only_flash_up_is_not_published_at_all(api):
    item = planned(factories.draft(slug="offer"), until=2 * HOUR)
    number = selectors.content_version().number
    assert later(3 * HOUR) == 1
    row = again(item)
    assert (row.state, row.first_published_at, row.publish_at, row.unpublish_at) == (State.DRAFT, None, None, None)
    assert row.schedule_problem.endswith(scheduling.PASSED)
    assert selectors.content_version().number == number
    assert api.get("/api/blogs/offer").status_code == 404
    assert [alert["code"] for alert in alerts()] == ["schedule_failed"]
    assert later(4 * HOUR) == 0


def test_what_is_live_comes_off_even_if_the_newer_version_never_was():
    item = planned(factories.live(), until=2 * HOUR)
    later(3 * HOUR)
    row = again(item)
    assert (row.state, row.is_public, row.scheduled_revision_id) == (State.DRAFT, False, None)


def test_it_can_be_called_off():
    row = publishing.unschedule(item=planned(factories.draft(), until=2 * HOUR), by=BY, comment="Not yet")
    assert (row.state, row.publish_at, row.unpublish_at, row.scheduled_revision) == (State.DRAFT, None, None, None)
    assert (latest_event().action, latest_event().reason) == ("content.unscheduled", "Not yet")
    assert later(3 * HOUR) == 0
    live = publishing.unschedule(item=planned(factories.live(number=2)), by=BY)
    assert (live.state, live.is_public) == (State.LIVE, True)


def test_calling_off_leaves_no_changes_where_there_were_none():
    live = factories.live()
    row = publishing.unschedule(item=planned(live), by=BY)
    assert (row.has_unpublished_changes, row.live_revision.number) == (False, 3)
    assert row.live_revision.published_at == live.published_at
    row = publishing.unschedule(item=planned(factories.edit(row, title="Newer")), by=BY)
    assert (row.has_unpublished_changes, row.live_revision.number) == (True, 3)


def test_a_withdrawal_that_is_planned_can_be_called_off_too():
    item = planned(factories.draft(), until=2 * HOUR)
    later(HOUR)
    live = again(item)
    assert "unschedule" in workflow.allowed(live)
    live = publishing.unschedule(item=live, by=BY)
    assert (live.state, live.unpublish_at) == (State.LIVE, None)
    assert "unschedule" not in workflow.allowed(live)


def test_publishing_by_hand_before_the_time_keeps_the_withdrawal():
    item = planned(factories.draft(), until=2 * HOUR)
    row = publishing.publish(item=factories.edit(item, title="Newer"), by=BY)
    assert (row.state, row.title, row.publish_at, row.scheduled_revision) == (State.LIVE, "Newer", None, None)
    assert row.unpublish_at == item.unpublish_at
    later(2 * HOUR)
    assert not again(item).is_public


def test_a_planned_item_that_is_public_is_taken_off_before_it_is_trashed():
    item = planned(factories.live())
    assert unchanged(item, InvalidTransition, lambda: publishing.trash(item=item, by=BY)).members["allowed"] == [
        "unschedule",
        "publish",
        "unpublish",
    ]
    row = publishing.unpublish(item=item, by=BY)
    assert (row.state, row.scheduled_revision, row.publish_at) == (State.DRAFT, None, None)
    assert publishing.trash(item=row, by=BY).deleted_at is not None


def test_the_trash_ends_a_plan():
    row = publishing.trash(item=planned(factories.draft()), by=BY)
    assert (row.state, row.publish_at, row.scheduled_revision) == (State.DRAFT, None, None)
    assert later(2 * HOUR) == 0
    assert publishing.restore(item=row, by=BY).state == State.DRAFT


@pytest.mark.parametrize(
    ("publish", "unpublish", "pointer"),
    [
        (HOUR, HOUR, "#/unpublish_at"),
        (2 * HOUR, HOUR, "#/unpublish_at"),
        (-2 * HOUR, -HOUR, "#/unpublish_at"),
    ],
)
def test_it_comes_off_after_it_goes_on_and_after_now(publish, unpublish, pointer):
    item = factories.draft()
    error = unchanged(item, ValidationFailed, lambda: planned(item, publish, unpublish))
    assert [fault.pointer for fault in error.errors] == [pointer]


def test_times_are_the_studios_and_those_that_its_clocks_skip_are_refused(settings):
    settings.STUDIO_TIME_ZONE = "Europe/Berlin"
    item = factories.draft()
    skipped = datetime(2027, 3, 28, 2, 30)
    error = unchanged(item, ValidationFailed, lambda: publishing.schedule(item=item, publish_at=skipped, by=BY))
    assert [(fault.pointer, fault.code) for fault in error.errors] == [("#/publish_at", "skipped_time")]
    error = unchanged(
        item,
        ValidationFailed,
        lambda: publishing.schedule(item=item, publish_at=db_now(), unpublish_at=skipped, by=BY),
    )
    assert [fault.pointer for fault in error.errors] == ["#/unpublish_at"]
    twice = datetime(2027, 10, 31, 2, 30, fold=1)
    row = publishing.schedule(item=item, publish_at=twice, by=BY)
    assert row.publish_at == datetime(2027, 10, 31, 0, 30, tzinfo=UTC)


def test_planning_says_at_once_what_is_missing():
    item = factories.draft(excerpt="")
    error = unchanged(item, NotPublishable, lambda: planned(item))
    assert [fault.pointer for fault in error.errors] == ["#/excerpt"]


def test_a_stale_version_plans_and_calls_off_nothing():
    item = factories.draft()
    unchanged(item, PreconditionFailed, lambda: planned(item, expected_version=item.lock_version - 1))
    row = planned(item, expected_version=item.lock_version)
    unchanged(row, PreconditionFailed, lambda: publishing.unschedule(item=row, by=BY, expected_version=1))
    unchanged(row, PreconditionFailed, lambda: publishing.publish(item=row, by=BY, expected_version=1))


def test_a_plan_needs_a_time():
    item = factories.draft()
    unchanged(item, ValidationFailed, lambda: publishing.transition(item=item, move="schedule", by=BY))


def called_off(item, words):
    """The plan failed once, says why, and is not tried again."""
    row = again(item)
    assert (row.publish_at, row.scheduled_revision_id) == (None, None)
    assert row.schedule_problem.startswith("Not published at ")
    assert words in row.schedule_problem
    assert (latest_event().action, latest_event().reason) == ("content.unscheduled", row.schedule_problem)
    assert [(one["code"], one["path"]) for one in alerts()] == [
        ("schedule_failed", f"/admin/cms/{row._meta.model_name}/{row.pk}/change/")
    ]
    assert later(3 * HOUR) == 0
    return row


@pytest.mark.parametrize("was_live", [False, True])
def test_a_picture_that_lost_its_words_calls_the_plan_off(was_live):
    picture = factories.asset()
    item = factories.live(title="Old") if was_live else factories.draft(title="Old")
    item = planned(factories.edit(item, title="New", cover=picture))
    media.update(asset=picture, values={"alt": ""}, by=BY)
    assert later(HOUR) == 1
    row = called_off(item, "alternative text")
    assert (row.state, row.is_public) == ((State.LIVE, True) if was_live else (State.DRAFT, False))
    if was_live:
        assert (row.title, row.cover_id) == ("Old", None)
    waiting = [(one.label, one.count) for one in selectors.needs_you() if "failed" in one.label and one.count]
    assert waiting == [("posts whose schedule failed", 1)]
    assert factories.edit(row, title="Newer").schedule_problem == ""


def test_a_picture_that_is_gone_calls_the_plan_off():
    picture = factories.asset()
    item = planned(factories.edit(factories.live(), cover=picture))
    picture.delete()
    later(HOUR)
    assert called_off(item, "The picture is not there any more").state == State.LIVE


def test_a_term_that_is_gone_is_left_out():
    kept, gone = factories.tag("Kept"), factories.tag("Gone")
    item = planned(factories.edit(factories.live(), tags=[kept, gone]))
    taxonomy.delete(row=gone, by=BY)
    later(HOUR)
    assert list(again(item).tags.all()) == [kept]


def test_one_item_that_fails_does_not_hold_up_the_others():
    picture = factories.asset()
    bad = planned(factories.edit(factories.live(), cover=picture))
    good = planned(factories.draft(number=2))
    picture.delete()
    assert later(HOUR) == 2
    assert not again(bad).has_unpublished_changes or again(bad).state == State.LIVE
    assert again(good).is_public


def test_a_fault_of_the_database_does_not_hold_up_the_others_but_is_not_hidden(monkeypatch):
    bad, good = planned(factories.draft()), planned(factories.draft(number=2))
    publish = scheduling._publish

    def break_one(row, by, now):
        if row.pk == bad.pk:
            raise scheduling.DatabaseError("gone")
        publish(row, by, now)

    monkeypatch.setattr(scheduling, "_publish", break_one)
    with pytest.raises(scheduling.DatabaseError):
        later(HOUR)
    assert again(good).is_public
    assert again(bad).state == State.SCHEDULED


@pytest.mark.parametrize("path", ["save", "autosave", "restore"])
def test_consent_that_is_withdrawn_ends_a_plan_at_once(path):
    consented = {"consent_at": db_now()}
    item = factories.draft("testimonial", consent_at=None)
    item = planned(factories.edit(item, **consented))
    number = item.lock_version
    if path == "save":
        row = factories.edit(item, consent_at=None)
    elif path == "autosave":
        row = drafts.autosave(item=item, values={"consent_at": None}, by=BY, expected_version=number)
    else:
        row = history.restore(item=item, number=1, by=BY)
    assert (row.state, row.scheduled_revision, row.consent_at) == (State.DRAFT, None, None)
    assert (latest_event().action, latest_event().reason) == ("content.unscheduled", "Consent was withdrawn.")
    assert later(2 * HOUR) == 0


def test_a_plan_without_consent_is_never_carried_out():
    """Also when a newer draft came into the table past the actions."""
    item = planned(factories.draft("testimonial"))
    newest = item.latest_revision
    newest.pk, newest.number = None, newest.number + 1
    newest.snapshot = {**newest.snapshot, "consent_at": None}
    newest.save(force_insert=True)
    type(item).objects.filter(pk=item.pk).update(latest_revision=newest)
    later(HOUR)
    assert not called_off(item, "Consent was withdrawn").is_public


def test_only_a_named_client_ends_a_plan():
    agreed = {"client_consent_at": db_now(), "client_name": "Acme"}
    named = planned(factories.draft("project", **agreed, disclosure=Disclosure.PUBLIC))
    unnamed = planned(factories.draft("project", 2, **agreed))
    assert factories.edit(named, client_consent_at=None, disclosure=Disclosure.ANONYMISED).state == State.DRAFT
    assert factories.edit(unnamed, client_consent_at=None).state == State.SCHEDULED


def test_settings_are_planned_but_never_taken_off(api):
    item = factories.edit(factories.site(tagline="Old"), tagline="New")
    now = db_now()
    times = {"publish_at": now + HOUR, "unpublish_at": now + 2 * HOUR}
    unchanged(item, ValidationFailed, lambda: publishing.schedule(item=item, by=BY, **times))
    item = planned(item)
    assert workflow.allowed(item) == ["unschedule", "publish"]
    assert api.get("/api/settings").json()["identity"]["tagline"] == "Old"
    later(HOUR)
    assert api.get("/api/settings").json()["identity"]["tagline"] == "New"
    item = publishing.unschedule(item=planned(factories.edit(item, tagline="Newest")), by=BY)
    assert (item.state, item.tagline) == (State.LIVE, "New")


def test_the_job_runs_every_thirty_seconds():
    from jobs.engine.schedule import Schedule
    from jobs.testing import run_due

    item = planned(factories.draft())
    with shift(HOUR.total_seconds() + 30):
        Schedule().insert_due(db_now())
        run_due()
    assert again(item).is_public
    assert Job.objects.get(kind="cms.move_scheduled").last_error == ""
    assert Post.objects.all().live().count() == 1
