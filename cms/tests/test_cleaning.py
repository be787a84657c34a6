"""What no draft may hold, whichever way it comes."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from cms import cleaning
from cms.actions import drafts, publishing
from cms.constants import PARTS_MAX
from cms.models import Post, Project, Revision
from cms.tests import factories
from cms.tests.factories import BY
from common.errors import ValidationFailed

pytestmark = pytest.mark.django_db
FAR = [
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
    datetime(9999, 12, 31, 23, 59, tzinfo=UTC),
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59Z",
]


def refused(action):
    before = (Revision.objects.count(), list(Post.objects.values()), list(Project.objects.values()))
    with pytest.raises(ValidationFailed) as caught:
        action()
    assert (Revision.objects.count(), list(Post.objects.values()), list(Project.objects.values())) == before
    return [fault.pointer for fault in caught.value.errors]


def test_an_item_does_not_name_itself():
    item, other = factories.live(), factories.live(number=2)
    assert refused(lambda: factories.edit(item, related=[other, item])) == ["#/related"]
    assert factories.edit(item, related=[other]).draft_title == "Post 1"


@pytest.mark.parametrize("caption", ["x" * 301, "a\x00b", "a\x1bb"])
def test_captions_are_checked_before_they_are_stored(caption):
    picture = factories.asset()
    item = factories.live("project")
    gallery = [picture, {"media": picture, "caption": caption}]
    assert refused(lambda: factories.edit(item, gallery=gallery)) == ["#/gallery/1/caption"]


def test_ordered_relations_have_an_end():
    picture = factories.asset()
    item = factories.draft("project")
    assert refused(lambda: factories.edit(item, gallery=[picture] * (PARTS_MAX + 1))) == ["#/gallery"]
    assert factories.edit(item, gallery=[picture] * PARTS_MAX).gallery.count() == PARTS_MAX


@pytest.mark.parametrize("at", FAR)
def test_instants_that_no_zone_can_show_are_refused(at):
    item = factories.draft("project")
    assert refused(lambda: factories.edit(item, client_consent_at=at)) == ["#/client_consent_at"]


@pytest.mark.parametrize("at", [at for at in FAR if isinstance(at, datetime)])
def test_plans_at_such_instants_are_refused(at):
    item = factories.draft()
    assert refused(lambda: publishing.schedule(item=item, publish_at=at, by=BY)) == ["#/publish_at"]
    assert refused(lambda: publishing.schedule(item=item, publish_at=at.replace(tzinfo=None), by=BY)) == [
        "#/publish_at"
    ]


def test_gone_rows_are_refused_where_they_are_named_and_left_out_elsewhere():
    tag, category, picture = factories.tag(), factories.category(), factories.asset()
    item = factories.draft(tags=[tag], category=category, cover=picture)
    saved = dict(item.latest_revision.snapshot)
    Post.objects.update(category=None, cover=None)
    item.tags.clear()
    for row in (tag, category, picture):
        row.delete()
    for key in ("tags", "category", "cover"):
        with pytest.raises(ValidationFailed) as caught:
            cleaning.cleaned(Post, saved, strict=[key])
        assert [(fault.pointer, fault.code) for fault in caught.value.errors] == [(f"#/{key}", "unknown")]
    found = cleaning.cleaned(Post, saved, strict=["title"])
    assert (found["tags"], found["category"], found["cover"]) == ([], None, None)
    row = drafts.save(item=item, values={"title": "Other"}, by=BY)
    assert (row.title, row.cover_id) == ("Other", None)
