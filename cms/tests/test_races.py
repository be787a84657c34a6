"""Two colleagues, or a colleague and the clock, at the same moment on connections of their own."""

import threading
from collections import Counter
from datetime import timedelta

import pytest

from audit.models import AuditEvent
from cms import selectors
from cms.actions import drafts, history, publishing, purging, revisions, scheduling
from cms.constants import State
from cms.errors import InvalidTransition
from cms.models import Change, Post, Revision, SlugClaim
from cms.tests import factories
from cms.tests.factories import BY
from common.actor import Actor
from common.clock import db_now
from common.errors import NotFound, PreconditionFailed
from common.tests.racing import at_once

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.concurrency]
HOUR = timedelta(hours=1)
ANA = Actor.system("ana")


def outcomes(*calls):
    """What became of each call, by the name of its type."""
    return Counter(type(found).__name__ for found in at_once(*calls))


def again(item):
    return type(item).objects.get(pk=item.pk)


def count(action):
    return AuditEvent.objects.filter(action=action).count()


def whole(item):
    """Every version has a number of its own, and the newest is the one that the row names."""
    numbers = sorted(selectors.revisions_of(item).values_list("number", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))
    assert again(item).latest_revision.number == numbers[-1]
    return len(numbers)


def publish(item):
    return lambda: publishing.publish(item=item, by=BY, expected_version=item.lock_version)


def test_of_two_who_publish_one_does():
    item = factories.draft()
    version = selectors.content_version().number
    assert outcomes(*[publish(item)] * 5) == {"Post": 1, "PreconditionFailed": 4}
    assert (count("content.published"), Change.objects.count(), whole(item)) == (1, 1, 2)
    assert selectors.content_version().number == version + 1


def test_of_two_who_publish_without_a_version_the_second_finds_it_done():
    item = factories.draft()
    assert outcomes(*[lambda: publishing.publish(item=item, by=BY)] * 5) == {"Post": 5}
    assert (count("content.published"), whole(item), again(item).lock_version) == (1, 2, 2)


@pytest.mark.parametrize("start", ["draft", "live"])
def test_publish_and_schedule(start):
    item = factories.edit(factories.live(), title="Newer") if start == "live" else factories.draft()
    before = count("content.published")
    at = db_now() + HOUR
    plan = lambda: publishing.schedule(item=item, publish_at=at, by=BY, expected_version=item.lock_version)  # noqa: E731
    assert outcomes(publish(item), plan) == {"Post": 1, "PreconditionFailed": 1}
    row = again(item)
    published = count("content.published") - before
    assert published + count("content.scheduled") == 1
    assert (row.state, row.publish_at is None) == ((State.LIVE, True) if published else (State.SCHEDULED, False))
    assert row.lock_version == item.lock_version + 1


def test_edit_and_publish():
    item = factories.draft(title="Old")
    edit = lambda: drafts.save(item=item, values={"title": "New"}, by=BY, expected_version=1)  # noqa: E731
    assert outcomes(publish(item), edit) == {"Post": 1, "PreconditionFailed": 1}
    row = again(item)
    assert (row.title, row.is_public) in {("Old", True), ("New", False)}
    assert whole(item) == 2


def test_edit_and_publish_without_versions_lose_nothing():
    item = factories.draft(title="Old")
    edit = lambda: drafts.save(item=item, values={"title": "New"}, by=BY)  # noqa: E731
    assert outcomes(lambda: publishing.publish(item=item, by=BY), edit) == {"Post": 2}
    row = again(item)
    assert (row.is_public, row.draft_title, whole(item)) == (True, "New", 3)
    assert row.title == row.live_revision.snapshot["title"]


def test_restore_and_autosave():
    item = factories.edit(factories.draft(title="First"), title="Second")
    number = item.lock_version
    restore = lambda: history.restore(item=item, number=1, by=BY, expected_version=number)  # noqa: E731
    typing = lambda: drafts.autosave(item=item, values={"title": "Third"}, by=ANA, expected_version=number)  # noqa: E731
    assert outcomes(restore, typing) == {"Post": 1, "PreconditionFailed": 1}
    row = again(item)
    assert (row.lock_version, whole(item)) == (number + 1, 3)
    assert (row.title, row.latest_revision.kind) in {("First", "restore"), ("Third", "autosave")}


def test_two_saves():
    item = factories.draft()
    saves = [
        lambda title=title: drafts.save(item=item, values={"title": title}, by=BY, expected_version=1)
        for title in ("A", "B", "C")
    ]
    assert outcomes(*saves) == {"Post": 1, "PreconditionFailed": 2}
    assert whole(item) == 2


def test_without_the_lock_two_saves_collide(monkeypatch):
    """The negative control: the row lock is what tells the second that it is late."""
    item = factories.draft()
    unlocked = lambda one: Post.objects.select_related("latest_revision").get(pk=one.pk)  # noqa: E731
    monkeypatch.setattr(drafts, "locked", unlocked)
    slow = revisions.follow

    def slow_follow(**values):
        slow(**values)
        barrier.wait(10)

    barrier = threading.Barrier(2)
    monkeypatch.setattr(revisions, "follow", slow_follow)
    saves = [
        lambda title=title: drafts.save(item=item, values={"title": title}, by=BY, expected_version=1)
        for title in ("A", "B")
    ]
    found = outcomes(*saves)
    assert found["PreconditionFailed"] == 0
    assert found["Post"] < 2  # the unique number of a version is all that is left


def test_the_clock_and_a_colleague_who_calls_it_off():
    item = publishing.schedule(item=factories.draft(), publish_at=db_now() - HOUR, by=BY)
    now = db_now()
    off = lambda: publishing.unschedule(item=item, by=BY, expected_version=item.lock_version)  # noqa: E731
    done = at_once(lambda: scheduling.run_due(by=BY, now=now), off)
    row = again(item)
    if row.is_public:
        assert (done[0], type(done[1])) == (1, PreconditionFailed)
    else:
        assert (done[0], type(done[1]), row.state) == (0, Post, State.DRAFT)
    assert count("content.published") + count("content.unscheduled") == 1
    assert row.publish_at is row.scheduled_revision is None


def test_two_workers_publish_once():
    item = publishing.schedule(item=factories.draft(), publish_at=db_now(), by=BY)
    now = db_now()
    assert sorted(at_once(*[lambda: scheduling.run_due(by=BY, now=now)] * 4)) == [0, 0, 0, 1]
    assert (count("content.published"), again(item).lock_version) == (1, item.lock_version + 1)


def test_one_slug_is_given_once():
    found = outcomes(*[lambda number=number: factories.draft(number=number, slug="mine") for number in range(4)])
    assert found == {"Post": 1, "SlugTaken": 3}
    assert list(SlugClaim.objects.values_list("slug", flat=True)) == ["mine"]
    assert Revision.objects.count() == Post.objects.count() == 1


def test_two_who_rename_to_one_slug():
    one, two = factories.draft(), factories.draft(number=2)
    calls = [lambda item=item: drafts.save(item=item, values={"slug": "mine"}, by=BY) for item in (one, two)]
    assert outcomes(*calls) == {"Post": 1, "SlugTaken": 1}
    assert Post.objects.filter(draft_slug="mine").count() == 1


def test_purge_and_restore_from_the_trash():
    item = publishing.trash(item=factories.draft(), by=BY)
    done = at_once(lambda: purging.purge(item=item, by=BY), lambda: publishing.restore(item=item, by=BY))
    if Post.objects.exists():
        assert (type(done[0]), again(item).deleted_at) == (InvalidTransition, None)
    else:
        assert (done[0], type(done[1])) == (None, NotFound)
        assert not Revision.objects.exists()


def test_withdrawn_consent_and_publish():
    item = factories.draft("testimonial")
    withdraw = lambda: drafts.save(item=item, values={"consent_at": None}, by=BY)  # noqa: E731
    found = outcomes(lambda: publishing.publish(item=item, by=BY), withdraw)
    assert found in ({"Testimonial": 2}, {"Testimonial": 1, "NotPublishable": 1})
    row = again(item)
    assert (row.is_public, row.consent_at) == (False, None)
