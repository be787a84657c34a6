"""Autosaves, older versions and snapshots of older releases."""

from datetime import timedelta

import pytest

from accounts.tests.factories import make_user
from audit.models import AuditEvent
from cms import selectors, snapshots
from cms.actions import drafts, history, publishing
from cms.constants import Disclosure, RevisionKind, State
from cms.errors import InvalidTransition, NotPublishable, SlugTaken
from cms.models import Author, Post, Revision
from cms.tests import factories
from cms.tests.factories import BY
from common.actor import Actor
from common.clock import db_now
from common.errors import NotFound, PreconditionFailed, ValidationFailed

pytestmark = pytest.mark.django_db
ANA, BEN = Actor.system("ana"), Actor.system("ben")


def typed(item, by=ANA, **values):
    return drafts.autosave(item=item, values=values, by=by, expected_version=item.lock_version)


def saved(item, by=ANA, version=None, **values):
    return drafts.save(item=item, values=values, by=by, expected_version=version)


def versions(item):
    return list(selectors.revisions_of(item).order_by("number").values_list("number", "kind", "author_id"))


def events():
    return list(AuditEvent.objects.order_by("id").values_list("action", flat=True))


def refused(error, action):
    before = [list(table.objects.order_by("pk").values()) for table in (Post, Revision, AuditEvent)]
    with pytest.raises(error):
        action()
    assert [list(table.objects.order_by("pk").values()) for table in (Post, Revision, AuditEvent)] == before


def test_an_autosave_replaces_the_one_before_it():
    item = factories.draft(title="One")
    first = typed(item, title="Tw")
    second = typed(first, title="Two")
    assert versions(second) == [(1, "save", "test"), (2, "autosave", "ana")]
    assert (second.draft_title, second.title, second.lock_version) == ("Two", "Two", 3)
    revision = second.latest_revision
    assert (revision.snapshot["title"], revision.sha256) == ("Two", snapshots.digest(revision.snapshot))
    assert events() == ["content.created", "content.autosaved"]


def test_an_autosave_of_what_is_public_changes_nothing_public(api):
    item = typed(factories.live(title="Old", slug="old"), title="Typing", slug="typing")
    assert (item.title, item.draft_title, item.state) == ("Old", "Typing", State.LIVE)
    assert api.get("/api/blogs/old").json()["title"] == "Old"
    assert api.get("/api/blogs/typing").status_code == 404


def test_each_person_has_one_autosave():
    item = typed(typed(typed(factories.draft(), title="A"), BEN, title="B"), title="C")
    assert versions(item) == [(1, "save", "test"), (3, "autosave", "ben"), (4, "autosave", "ana")]
    assert item.latest_revision.base.number == 3


def test_saving_keeps_an_autosave_as_a_version():
    item = saved(typed(factories.draft(), title="A"), title="A")
    assert versions(item) == [(1, "save", "test"), (2, "save", "ana")]
    assert events()[-1] == "content.saved"
    item = typed(item, title="B")
    item = saved(item, title="C")
    item = typed(item, title="D")
    assert versions(item) == [(1, "save", "test"), (2, "save", "ana"), (4, "save", "ana"), (5, "autosave", "ana")]


def test_an_autosave_that_became_the_live_version_is_not_written_over():
    item = factories.live()
    title = item.title
    item = publishing.schedule(item=item, publish_at=db_now() + timedelta(hours=1), by=BY)
    item = typed(typed(item, title="Typing"), title=title)
    item = publishing.unschedule(item=item, by=BY)
    assert (item.has_unpublished_changes, item.live_revision.kind) == (False, RevisionKind.SAVE)
    item = typed(item, title="Newer")
    assert (item.has_unpublished_changes, item.live_revision.snapshot["title"]) == (True, title)
    assert publishing.publish(item=item, by=BY).title == "Newer"


def test_an_autosave_of_nothing_new_writes_nothing():
    item = factories.draft(title="One")
    before = Revision.objects.count(), AuditEvent.objects.count()
    assert typed(item, title="One").lock_version == item.lock_version
    assert (Revision.objects.count(), AuditEvent.objects.count()) == before


def test_the_form_that_autosaved_can_be_saved_with_the_version_that_it_was_read_at():
    item = factories.draft()
    typed(typed(item, title="A"), title="B")
    assert saved(item, version=1, title="C").title == "C"


def test_another_ones_autosave_is_a_change_like_any_other():
    item = factories.draft()
    typed(item, BEN, title="B")
    refused(PreconditionFailed, lambda: saved(item, version=1, title="C"))
    refused(PreconditionFailed, lambda: typed(item, title="C"))


def test_what_came_before_the_own_autosaves_is_a_conflict():
    item = factories.draft()
    typed(factories.edit(item, title="Ben's"), title="A")
    refused(PreconditionFailed, lambda: saved(item, version=1, title="C"))


def test_two_windows_of_one_person_do_not_overwrite_each_other():
    item = factories.draft()
    typed(item, title="A")
    refused(PreconditionFailed, lambda: typed(item, title="B"))


def test_autosaves_are_cleaned_and_checked_like_drafts():
    item = typed(factories.draft(), body="<p>a<script>x</script></p>")
    assert item.latest_revision.snapshot["body"] == "<p>a</p>"
    refused(ValidationFailed, lambda: typed(item, slug="Not a slug"))
    factories.draft(number=2, slug="taken")
    refused(SlugTaken, lambda: typed(item, slug="taken"))


def test_the_trash_is_not_edited():
    item = publishing.trash(item=factories.draft(), by=BY)
    refused(InvalidTransition, lambda: typed(item, title="A"))
    refused(InvalidTransition, lambda: saved(item, title="A"))
    refused(InvalidTransition, lambda: history.restore(item=item, number=1, by=BY))


def test_restoring_makes_a_new_version_of_the_whole():
    tag, author = factories.tag(), factories.author()
    item = factories.draft(title="First", slug="first", tags=[tag], authors=[author], body="<p>One</p>")
    item = factories.edit(item, title="Second", slug="second", tags=[], authors=[], body="<p>Two</p>")
    row = history.restore(item=item, number=1, by=BY)
    assert (row.title, row.slug, row.body) == ("First", "first", "<p>One</p>")
    assert (list(row.tags.all()), list(row.authors.all())) == ([tag], [author])
    newest = row.latest_revision
    assert (newest.number, newest.kind, newest.comment, newest.base.number) == (3, "restore", "Version 1", 2)
    assert newest.snapshot == selectors.revision(row, 1).snapshot
    assert (events()[-1], row.lock_version) == ("content.saved", 3)


def test_restoring_what_is_public_waits_for_publishing(api):
    item = factories.republish(factories.live(title="First", slug="same"), title="Second")
    row = history.restore(item=item, number=1, by=BY)
    assert (row.title, row.draft_title, row.has_unpublished_changes) == ("Second", "First", True)
    assert api.get("/api/blogs/same").json()["title"] == "Second"
    assert publishing.publish(item=row, by=BY).title == "First"


def test_restoring_cleans_what_an_older_release_let_in():
    item = factories.edit(factories.draft(), title="Second")
    Revision.objects.filter(number=1).update(
        snapshot={**item.latest_revision.snapshot, "body": '<p onclick="x()">a</p><script>b</script>', "gone": 1}
    )
    row = history.restore(item=item, number=1, by=BY)
    assert row.latest_revision.snapshot["body"] == row.body == "<p>a</p>"
    assert "gone" not in row.latest_revision.snapshot


def test_rows_that_are_gone_are_left_out():
    tag, picture = factories.tag(), factories.asset()
    item = factories.edit(factories.draft(tags=[tag], cover=picture, authors=[factories.author()]), tags=[], cover=None)
    tag.delete()
    picture.delete()
    factories.edit(item, authors=[])
    Author.objects.all().delete()
    row = history.restore(item=item, number=1, by=BY)
    assert (row.cover_id, row.tags.count(), row.authors.count()) == (None, 0, 0)


def test_restoring_refuses_unknown_and_stale_versions_and_taken_slugs():
    item = factories.edit(factories.draft(slug="first"), slug="second")
    refused(NotFound, lambda: history.restore(item=item, number=9, by=BY))
    refused(PreconditionFailed, lambda: history.restore(item=item, number=1, by=BY, expected_version=1))
    factories.draft(number=2, slug="first")
    refused(SlugTaken, lambda: history.restore(item=item, number=1, by=BY))


def test_restoring_what_is_newest_already_writes_nothing():
    item = factories.draft()
    assert history.restore(item=item, number=1, by=BY).lock_version == 1
    assert Revision.objects.count() == 1


def test_no_restore_brings_a_withdrawn_consent_back(api):
    item = factories.edit(factories.live("testimonial"), consent_at=None)
    assert not item.is_public
    row = history.restore(item=item, number=2, by=BY)
    assert row.consent_at is None
    with pytest.raises(NotPublishable):
        publishing.publish(item=row, by=BY)
    assert api.get(f"/api/testimonials/{item.slug}").status_code == 410


@pytest.mark.parametrize("path", ["autosave", "restore"])
def test_every_way_of_withdrawing_a_consent_unpublishes_at_once(path, api):
    item = factories.draft("testimonial", consent_at=None)
    item = publishing.publish(item=factories.edit(item, consent_at=db_now()), by=BY)
    row = typed(item, consent_at=None) if path == "autosave" else history.restore(item=item, number=1, by=BY)
    assert (row.is_public, row.state, row.consent_at) == (False, State.DRAFT, None)
    assert api.get(f"/api/testimonials/{item.slug}").status_code == 410
    assert AuditEvent.objects.latest("id").reason == "Consent was withdrawn."


def test_a_withdrawal_also_takes_a_planned_version_of_what_is_public_away(api):
    item = factories.live("project", client_name="Acme", client_consent_at=db_now(), disclosure=Disclosure.PUBLIC)
    item = publishing.schedule(item=item, publish_at=db_now(), by=BY)
    row = factories.edit(item, client_consent_at=None)
    assert (row.state, row.is_public, row.scheduled_revision) == (State.DRAFT, False, None)
    assert api.get(f"/api/projects/{item.slug}").status_code == 410


def test_who_vouches_for_a_testimonial_is_recorded():
    ana = make_user(email="ana@example.com")
    item = factories.draft("testimonial")
    row = drafts.save(item=item, values={"verified": True}, by=Actor.staff(ana))
    assert row.verified_by == "ana@example.com"
    row = drafts.save(item=row, values={"role": "CEO"}, by=BEN)
    assert row.verified_by == "ana@example.com"
    assert drafts.save(item=row, values={"verified": False}, by=BEN).verified_by == ""
    with pytest.raises(ValidationFailed):
        drafts.save(item=row, values={"verified_by": "me"}, by=BEN)
    made = factories.draft("testimonial", 2, verified=True)
    assert made.verified_by == "test"


def test_snapshots_of_older_releases_are_brought_up_to_date():
    item = factories.draft("testimonial", verified=True)
    stored = {key: value for key, value in item.latest_revision.snapshot.items() if key != "verified_by"}
    assert snapshots.upgraded("testimonial", stored, 1) == {**stored, "verified_by": ""}
    assert snapshots.upgraded("post", {"title": "A"}, 1) == {"title": "A"}
    assert snapshots.upgraded("testimonial", stored, snapshots.SCHEMA_VERSION) == stored
    Revision.objects.update(snapshot={**stored, "colour": "red"}, schema_version=1)
    found = snapshots.of(type(item), Revision.objects.get())
    assert found == {**stored, "verified_by": ""}
    assert sorted(snapshots.UPGRADERS) == list(range(1, snapshots.SCHEMA_VERSION))


def test_versions_are_listed_and_found():
    item = factories.republish(factories.live(), title="Newer")
    other = factories.draft(number=2)
    kinds = list(selectors.revisions_of(item).values_list("kind", flat=True))
    assert kinds == ["publish", "save", "publish", "save"]
    assert selectors.revision(item, 2).kind == RevisionKind.PUBLISH
    assert selectors.revision(item, 2).published_at == item.first_published_at
    with pytest.raises(NotFound):
        selectors.revision(other, 2)
