"""What leaves the tables for good, and what stays behind."""

from datetime import timedelta

import pytest
from django.db.models import F

from audit.models import AuditEvent
from bookings.tests.factories import make_booking, make_offer
from cms import selectors
from cms.actions import drafts, publishing, purging, revisions
from cms.constants import REVISIONS_KEPT, TRASH_DAYS, RevisionKind
from cms.errors import InUse, InvalidTransition
from cms.models import GalleryImage, MediaAsset, Post, Project, Revision, SlugClaim, SlugHistory
from cms.tests import factories
from cms.tests.factories import BY
from common.clock import db_now
from jobs.models import Job
from jobs.testing import run_due
from uploads import ports as uploads

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def gone(item):
    return not type(item).objects.filter(pk=item.pk).exists()


def in_trash(item):
    return publishing.trash(item=publishing.unpublish(item=item, by=BY) if item.is_public else item, by=BY)


def test_the_trash_is_emptied_after_thirty_days_and_not_before():
    item = in_trash(factories.draft())
    other = factories.draft(number=2)
    assert purging.purge_due(by=BY, now=item.deleted_at + (TRASH_DAYS - 1) * DAY) == 0
    assert not gone(item)
    assert purging.purge_due(by=BY, now=item.deleted_at + TRASH_DAYS * DAY) == 1
    assert gone(item)
    assert list(Revision.objects.values_list("item_id", flat=True)) == [str(other.pk)]
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.target_id, event.before["revisions"]) == ("content.purged", str(item.pk), 1)
    assert event.before["slug"] == "post-1"


def test_only_the_trash_is_purged():
    for item in (factories.draft(), factories.live(number=2)):
        with pytest.raises(InvalidTransition):
            purging.purge(item=item, by=BY)
        assert not gone(item)
    assert Revision.objects.count() == 3


def test_addresses_of_what_was_public_stay_gone_and_can_be_used_again(api):
    item = factories.republish(factories.live(slug="first"), slug="second")
    item = in_trash(item)
    assert [api.get(f"/api/blogs/{slug}").status_code for slug in ("first", "second")] == [410, 410]
    number = selectors.content_version().number
    purging.purge(item=item, by=BY)
    assert [api.get(f"/api/blogs/{slug}").status_code for slug in ("first", "second")] == [410, 410]
    assert selectors.content_version().number == number
    assert not SlugClaim.objects.exists()
    factories.live(number=2, slug="first")
    assert [api.get(f"/api/blogs/{slug}").status_code for slug in ("first", "second")] == [200, 410]
    assert SlugHistory.objects.count() == 2


def test_what_was_never_public_leaves_no_trace(api):
    purging.purge(item=in_trash(factories.draft(slug="never")), by=BY)
    assert api.get("/api/blogs/never").status_code == 404
    assert not SlugHistory.objects.exists()


def test_references_to_it_vanish_and_pictures_stay_in_the_library():
    picture = factories.asset()
    testimonial = factories.draft("testimonial")
    project = factories.live("project", testimonial=testimonial, gallery=[picture])
    purging.purge(item=in_trash(testimonial), by=BY)
    assert Project.objects.get().testimonial_id is None
    purging.purge(item=in_trash(project), by=BY)
    assert not GalleryImage.objects.exists()
    assert MediaAsset.objects.count() == 1
    assert uploads.in_use(picture.file_id)


def test_a_draft_that_names_what_is_gone_can_still_be_saved_and_published():
    chosen = factories.draft(number=2)
    item = factories.edit(factories.live(), related=[chosen])
    purging.purge(item=in_trash(chosen), by=BY)
    item = factories.republish(item, title="Newer")
    assert (item.title, list(item.related.all())) == ("Newer", [])


def test_a_service_that_was_booked_stays_in_the_trash():
    booking = make_booking(make_offer())
    service = in_trash(booking.service)
    with pytest.raises(InUse):
        purging.purge(item=service, by=BY)
    other = in_trash(factories.draft())
    assert purging.purge_due(by=BY, now=service.deleted_at + TRASH_DAYS * DAY + DAY) == 1
    assert (gone(service), gone(other)) == (False, True)
    assert Revision.objects.filter(item_id=str(service.pk)).exists()


def test_what_another_run_purged_meanwhile_does_not_end_the_pass(monkeypatch):
    first, second = in_trash(factories.draft()), in_trash(factories.draft(number=2))
    purge = purging.purge

    def late(*, item, by):
        if item.pk == first.pk:
            purge(item=item, by=by)  # the other run is faster
        purge(item=item, by=by)

    monkeypatch.setattr(purging, "purge", late)
    assert purging.purge_due(by=BY, now=second.deleted_at + TRASH_DAYS * DAY) == 1
    assert (gone(first), gone(second)) == (True, True)
    assert AuditEvent.objects.filter(action="content.purged").count() == 2


def many(item, count, step=timedelta(0), start=None):
    """So many further versions, each `step` after the one before."""
    at = start or db_now()
    for number in range(count):
        item = drafts.save(item=item, values={"title": f"{at:%j} {number}"}, by=BY, now=at + number * step)
    return item


def numbers(item):
    return sorted(selectors.revisions_of(item).values_list("number", flat=True))


def test_the_last_fifty_versions_stay():
    item = many(factories.draft(), REVISIONS_KEPT + 5)
    assert purging.thin_revisions(by=BY) == 6
    assert numbers(item) == list(range(7, 57))
    assert purging.thin_revisions(by=BY) == 0
    assert Revision.objects.filter(number=7).get().base is None
    assert item.latest_revision.snapshot["title"].endswith(" 54")


def test_of_older_days_the_last_version_stays_and_every_published_one(settings):
    settings.STUDIO_TIME_ZONE = "Africa/Nairobi"
    noon = db_now().replace(hour=9, minute=0) - 100 * DAY
    item = factories.draft()  # 1
    item = publishing.publish(item=many(item, 1, start=noon), by=BY, now=noon)  # 2 is saved, 3 published
    item = many(item, 4, start=noon + DAY)  # 4 to 7 on one day
    item = many(item, 2, timedelta(hours=24), start=noon + 2 * DAY)  # 8 and 9 on days of their own
    Revision.objects.filter(number=1).update(created_at=noon)
    item = many(item, REVISIONS_KEPT)  # 10 to 59
    assert purging.thin_revisions(by=BY) == 5
    assert numbers(item) == [3, *range(7, 60)]


def test_what_is_planned_stays_however_old_it_is():
    item = publishing.schedule(item=factories.draft(), publish_at=db_now() + DAY, by=BY)
    many(item, REVISIONS_KEPT + 2)
    purging.thin_revisions(by=BY)
    assert item.scheduled_revision.number in numbers(item)


def test_items_with_few_versions_keep_them_all():
    item = many(factories.draft(), 3)
    many(factories.draft(number=2), REVISIONS_KEPT + 1)
    purging.thin_revisions(by=BY)
    assert numbers(item) == [1, 2, 3, 4]


def test_the_jobs_purge_and_thin():
    item = in_trash(factories.draft())
    Post.objects.filter(pk=item.pk).update(deleted_at=F("deleted_at") - (TRASH_DAYS + 1) * DAY)
    other = many(factories.draft(number=2), REVISIONS_KEPT)
    for kind in ("cms.purge_trash", "cms.thin_revisions"):
        Job.objects.create(kind=kind, run_at=db_now(), created_at=db_now(), max_attempts=1)
    run_due()
    assert set(Job.objects.values_list("state", flat=True)) == {"done"}
    assert gone(item)
    assert len(numbers(other)) == REVISIONS_KEPT


def test_numbers_go_on_after_thinning():
    item = many(factories.draft(), REVISIONS_KEPT + 1)
    purging.thin_revisions(by=BY)
    revisions.add(item=item, snapshot={}, kind=RevisionKind.SAVE, by=BY, now=db_now())
    assert max(numbers(item)) == REVISIONS_KEPT + 3
