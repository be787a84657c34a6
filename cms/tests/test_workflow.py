"""Drafts, publishing and what they write; on a refusal nothing has changed."""

import pytest
from django.db import IntegrityError, transaction

from audit.models import AuditEvent
from cms import selectors, workflow
from cms.actions import drafts, media, publishing, taxonomy, version
from cms.constants import Disclosure, PriceKind, RevisionKind, State
from cms.errors import FileNotReady, InUse, InvalidTransition, NotPublishable, SlugTaken
from cms.models import (
    ContentVersion,
    GalleryImage,
    MediaAsset,
    Post,
    Project,
    Revision,
    Service,
    SiteSettings,
    SlugClaim,
    SlugHistory,
    Tag,
)
from cms.tests import factories
from cms.tests.factories import BY
from common.clock import db_now
from common.errors import PreconditionFailed, ValidationFailed

pytestmark = pytest.mark.django_db
TESTIMONIAL = factories.MODELS["testimonial"]
MODELS = [Service, Project, Post, TESTIMONIAL]


def number():
    return selectors.content_version().number


def everything():
    """All that an action may write."""
    tables = (Post, Revision, SlugClaim, SlugHistory, AuditEvent, ContentVersion)
    return {table.__name__: list(table.objects.order_by("pk").values()) for table in tables}


def refused(error, action):
    before = everything()
    with pytest.raises(error) as caught:
        action()
    assert everything() == before
    return caught.value


def test_a_new_draft_is_a_row_a_revision_and_an_event_but_not_public():
    before = number()
    item = factories.draft(title="Ship it")
    assert (item.slug, item.draft_slug, item.state, item.lock_version) == ("ship-it", "ship-it", State.DRAFT, 1)
    assert (item.live_revision, item.published_at, item.first_published_at) == (None, None, None)
    revision = Revision.objects.get()
    assert (revision.number, revision.kind, revision.item_type, revision.item_id) == (1, "save", "post", str(item.pk))
    assert revision.snapshot["body"] == "<p>Some words here.</p>"
    assert AuditEvent.objects.get().action == "content.created"
    assert number() == before
    assert selectors.live_posts().count() == 0


def test_publishing_makes_the_newest_draft_live():
    item = factories.draft()
    before = number()
    live = publishing.publish(item=item, by=BY)
    assert (live.state, live.lock_version) == (State.LIVE, 2)
    assert live.published_at == live.first_published_at == live.updated_at
    assert live.live_revision == live.latest_revision == Revision.objects.get(kind=RevisionKind.PUBLISH)
    assert (live.words, live.reading_minutes) == (3, 1)
    assert number() == before + 1
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.before["state"], event.after["state"]) == ("content.published", "draft", "live")


def test_publishing_again_without_a_change_does_nothing():
    item = factories.live()
    before = everything()
    assert publishing.publish(item=item, by=BY).lock_version == item.lock_version
    assert everything() == before


def test_a_newer_draft_of_a_live_item_stays_in_its_revision():
    tag = factories.tag()
    item = factories.live(title="Old", tags=[tag], slug="old")
    before = number()
    saved = factories.edit(item, title="New", tags=[], slug="newer")
    row = Post.objects.get()
    assert (row.title, row.slug, row.draft_title, row.draft_slug) == ("Old", "old", "New", "newer")
    assert list(row.tags.all()) == [tag]
    assert saved.has_unpublished_changes
    assert row.state == State.LIVE
    assert set(SlugClaim.objects.values_list("slug", flat=True)) == {"old", "newer"}
    assert number() == before

    row = publishing.publish(item=row, by=BY)
    assert (row.title, row.slug, list(row.tags.all())) == ("New", "newer", [])
    assert row.published_at == item.published_at
    assert row.updated_at > item.updated_at
    assert set(SlugClaim.objects.values_list("slug", flat=True)) == {"newer"}
    assert set(SlugHistory.objects.values_list("slug", flat=True)) == {"old", "newer"}


def test_saving_the_same_values_writes_nothing():
    item = factories.draft(title="Same")
    before = everything()
    factories.edit(item, title="Same")
    assert everything() == before


@pytest.mark.parametrize("move", ["submit", "publish", "trash"])
def test_no_move_is_made_from_a_stale_version(move):
    item = factories.draft()
    stale = lambda: publishing.transition(item=item, move=move, by=BY, expected_version=2)  # noqa: E731
    refused(PreconditionFailed, stale)
    assert publishing.transition(item=item, move=move, by=BY, expected_version=1).lock_version == 2


def test_a_stale_lock_version_is_refused():
    item = factories.draft()
    factories.edit(item, title="Other")
    refused(PreconditionFailed, lambda: drafts.save(item=item, values={"title": "Mine"}, by=BY, expected_version=1))


def test_unpublishing_shows_the_newest_draft_in_the_columns_and_raises_the_version():
    item = factories.edit(factories.live(title="Old"), title="New")
    before = number()
    row = publishing.unpublish(item=item, by=BY)
    assert (row.state, row.title, row.live_revision_id) == (State.DRAFT, "New", None)
    assert row.first_published_at is not None
    assert number() == before + 1


@pytest.mark.parametrize(
    ("start", "move", "end"),
    [
        ("draft", "submit", "in_review"),
        ("in_review", "unsubmit", "draft"),
        ("in_review", "publish", "live"),
        ("live", "unpublish", "draft"),
        ("live", "archive", "archived"),
        ("archived", "publish", "live"),
        ("draft", "trash", "draft"),
        ("in_review", "trash", "in_review"),
        ("scheduled", "trash", "draft"),
        ("scheduled", "publish", "live"),
        ("scheduled", "unschedule", "draft"),
        ("scheduled live", "publish", "live"),
        ("scheduled live", "unschedule", "live"),
        ("scheduled live", "unpublish", "draft"),
        ("archived", "trash", "archived"),
        ("trash", "restore", "draft"),
    ],
)
def test_each_move_ends_where_the_table_says_and_is_audited(start, move, end):
    item = brought_to(start)
    events = AuditEvent.objects.count()
    row = publishing.transition(item=item, move=move, by=BY, comment="Because")
    assert row.state == end
    assert (row.deleted_at is not None) == (move == "trash")
    event = AuditEvent.objects.latest("id")
    assert AuditEvent.objects.count() == events + 1
    assert (event.action, event.reason) == (workflow.MOVES[move].event, "Because")


@pytest.mark.parametrize(
    ("start", "move"),
    [
        ("draft", "unpublish"),
        ("draft", "archive"),
        ("draft", "restore"),
        ("live", "submit"),
        ("live", "trash"),
        ("live", "unsubmit"),
        ("archived", "archive"),
        ("archived", "unpublish"),
        ("trash", "publish"),
        ("trash", "trash"),
        ("trash", "submit"),
        ("trash", "schedule"),
        ("archived", "submit"),
        ("archived", "schedule"),
        ("archived", "unschedule"),
        ("draft", "unsubmit"),
        ("draft", "unschedule"),
        ("live", "unschedule"),
        ("live", "restore"),
        ("in_review", "submit"),
        ("in_review", "unpublish"),
        ("scheduled", "submit"),
        ("scheduled", "unsubmit"),
        ("scheduled", "unpublish"),
        ("scheduled", "archive"),
        ("scheduled", "restore"),
        ("scheduled", "schedule"),
        ("scheduled live", "archive"),
        ("scheduled live", "trash"),
    ],
)
def test_every_other_move_is_refused_and_names_the_allowed_ones(start, move):
    item = brought_to(start)
    plan = {"publish_at": db_now()} if move == "schedule" else {"move": move}
    call = publishing.schedule if move == "schedule" else publishing.transition
    error = refused(InvalidTransition, lambda: call(item=item, by=BY, **plan))
    assert error.members == {"state": item.state, "allowed": workflow.allowed(item)}
    assert move not in error.members["allowed"]


def brought_to(state):
    item = factories.live() if state in {"live", "archived", "scheduled live"} else factories.draft()
    if state.startswith("scheduled"):
        item = publishing.schedule(item=item, publish_at=db_now(), by=BY)
    if state == "archived":
        item = publishing.archive(item=item, by=BY)
    if state == "in_review":
        item = publishing.submit(item=item, by=BY)
    if state == "trash":
        item = publishing.trash(item=item, by=BY)
    return item


@pytest.mark.parametrize(
    ("kind", "values", "pointers"),
    [
        ("post", {"excerpt": "", "body": "<p></p>"}, {"#/excerpt", "#/body"}),
        ("service", {"summary": "", "price_kind": PriceKind.FIXED}, {"#/summary", "#/price"}),
        ("project", {"disclosure": Disclosure.PUBLIC}, {"#/client_name", "#/client_consent_at"}),
        ("project", {"disclosure": Disclosure.PRIVATE}, {"#/disclosure"}),
        ("testimonial", {"quote": "", "consent_at": None}, {"#/quote", "#/consent_at"}),
    ],
)
def test_incomplete_drafts_are_saved_but_not_published(kind, values, pointers):
    item = factories.draft(kind, **values)
    error = refused(NotPublishable, lambda: publishing.publish(item=item, by=BY))
    assert {fault.pointer for fault in error.errors} == pointers


def test_pictures_need_words_before_they_are_published():
    silent = factories.asset(alt="")
    item = factories.draft(cover=silent)
    error = refused(NotPublishable, lambda: publishing.publish(item=item, by=BY))
    assert [fault.pointer for fault in error.errors] == ["#/cover"]
    media.update(asset=silent, values={"alt": "", "decorative": True}, by=BY)
    assert publishing.publish(item=item, by=BY).is_public


@pytest.mark.parametrize("model", MODELS)
def test_slugs_are_free_among_live_and_drafts_of_a_type(model):
    kind = model._meta.model_name
    first = factories.live(kind, slug="taken")
    factories.edit(first, slug="next")
    for slug in ("taken", "next"):
        with pytest.raises(SlugTaken):
            factories.draft(kind, 2, slug=slug)
    assert model.objects.count() == 1
    assert factories.draft("post" if kind != "post" else "service", 3, slug="taken").slug == "taken"


def test_a_slug_made_of_a_title_is_free():
    assert [factories.draft(title="Zürich & Nairobi!").slug for _ in range(3)] == [
        "zurich-nairobi",
        "zurich-nairobi-2",
        "zurich-nairobi-3",
    ]
    assert factories.draft(title="Search").slug == "search-2"
    assert factories.draft(title="日本").slug == "untitled"
    assert len(factories.draft(title="x" * 200).slug) == 195


@pytest.mark.parametrize("slug", ["Upper", "a/b", "ä", "a--b", "-a", "api", "a b", "x" * 201])
def test_bad_slugs_are_refused(slug):
    error = refused(ValidationFailed, lambda: factories.draft(slug=slug))
    assert {fault.pointer for fault in error.errors} == {"#/slug"}


@pytest.mark.parametrize(
    ("kind", "values", "pointer"),
    [
        ("post", {"colour": "red"}, "#/colour"),
        ("post", {"title": ""}, "#/title"),
        ("post", {"title": "x" * 201}, "#/title"),
        ("post", {"title": "a\x00b"}, "#/title"),
        ("post", {"excerpt": "x" * 301}, "#/excerpt"),
        ("post", {"body": "<p>" + "x" * 200_001 + "</p>"}, "#/body"),
        ("post", {"canonical_url": "javascript:alert(1)"}, "#/canonical_url"),
        ("post", {"cover": "019ab3c4-5d6e-7f80-8a91-b2c3d4e5f607"}, "#/cover"),
        ("post", {"tags": ["019ab3c4-5d6e-7f80-8a91-b2c3d4e5f607"]}, "#/tags"),
        ("service", {"price_amount": 5}, "#/price_currency"),
        ("service", {"price_currency": "kes", "price_amount": 5}, "#/price_currency"),
        ("service", {"delivery_weeks_min": 4, "delivery_weeks_max": 2}, "#/delivery_weeks_max"),
        ("service", {"icon": "skull"}, "#/icon"),
        ("service", {"features": [{"title": "A", "text": "B", "x": ""}]}, "#/features"),
        ("service", {"call_to_action_url": "//evil.example"}, "#/call_to_action_url"),
        ("project", {"ended_on": "2025-01-01"}, "#/ended_on"),
        ("testimonial", {"rating": 6}, "#/rating"),
        ("testimonial", {"quote": "x" * 1001}, "#/quote"),
    ],
)
def test_impossible_values_are_refused_at_their_place(kind, values, pointer):
    error = refused(ValidationFailed, lambda: factories.draft(kind, **values))
    assert pointer in [fault.pointer for fault in error.errors]


def test_consent_withdrawn_takes_the_item_off_the_site(api):
    testimonial = factories.live("testimonial")
    project = factories.live(
        "project", disclosure=Disclosure.PUBLIC, client_name="Acme", client_consent_at="2025-01-01T00:00:00Z"
    )
    anonymous = factories.live("project", 2, client_consent_at="2025-01-01T00:00:00Z")
    before = number()
    assert not factories.edit(testimonial, consent_at=None).is_public
    assert not factories.edit(project, client_consent_at=None).is_public
    assert factories.edit(anonymous, client_consent_at=None).is_public
    assert number() == before + 2
    assert api.get(f"/api/testimonials/{testimonial.slug}").status_code == 410
    assert api.get(f"/api/projects/{project.slug}").status_code == 410


def test_the_trash_frees_the_slug_and_restoring_wants_it_back():
    first = publishing.trash(item=factories.draft(slug="mine"), by=BY)
    second = factories.draft("post", 2, slug="mine")
    refused(SlugTaken, lambda: publishing.restore(item=first, by=BY))
    publishing.trash(item=second, by=BY)
    assert publishing.restore(item=first, by=BY).draft_slug == "mine"


def test_ordered_relations_keep_their_order():
    one, two, three = (factories.author(name) for name in ("A", "B", "C"))
    item = factories.live(authors=[three, one])
    item = factories.republish(item, authors=[two, three, one])
    assert [str(author) for author in item.authors.order_by("post_authors__position")] == ["B", "C", "A"]


def test_a_gallery_keeps_captions_and_order():
    front, back = factories.asset("Front"), factories.asset("Back")
    item = factories.live("project", gallery=[{"media": back, "caption": "Behind"}, front])
    assert list(GalleryImage.objects.filter(project=item).values_list("media__alt", "caption")) == [
        ("Back", "Behind"),
        ("Front", ""),
    ]


def test_settings_know_only_publishing_and_schedules():
    item = factories.site()
    assert workflow.allowed(item) == ["schedule", "publish"]
    with pytest.raises(InvalidTransition):
        publishing.archive(item=item, by=BY)
    factories.republish(item, tagline="Quiet software")
    assert selectors.site_settings()["identity"]["tagline"] == "Quiet software"


def test_taxonomies_raise_the_version_and_stay_while_in_use():
    before = number()
    tag = factories.tag()
    tag = taxonomy.update(row=tag, values={"name": "Shipping"}, by=BY)
    item = factories.draft(tags=[tag])
    with pytest.raises(InUse):
        taxonomy.delete(row=tag, by=BY)
    factories.edit(item, tags=[])
    taxonomy.delete(row=tag, by=BY)
    assert Tag.objects.count() == 0
    assert number() == before + 3
    with pytest.raises(ValidationFailed):
        factories.tag("")
    factories.tag("Same")
    with pytest.raises(SlugTaken):
        factories.tag("SAME")
    with pytest.raises(ValidationFailed):
        taxonomy.create(model=Tag, values={"name": "SAME", "slug": "other"}, by=BY)
    assert Tag.objects.count() == 1


def test_media_need_a_ready_file_and_possible_values():
    asset = factories.asset()
    assert asset.image["width"] == 64
    assert asset.image["src"].startswith("/")
    with pytest.raises(FileNotReady):
        media.create(file="019ab3c4-5d6e-7f80-8a91-b2c3d4e5f607", alt="x", by=BY)
    with pytest.raises(ValidationFailed):
        media.update(asset=asset, values={"decorative": True}, by=BY)
    before = number()
    media.update(asset=asset, values={"alt": "Better words"}, by=BY)
    assert number() == before + 1
    assert MediaAsset.objects.get().alt == "Better words"


def test_the_version_rises_by_one_and_outlives_a_lost_row():
    ContentVersion.objects.all().delete()
    assert selectors.content_version().number == 1
    assert [version.bump(by=BY), version.bump(by=BY)] == [2, 3]


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (Post, {"state": "live"}),
        (Post, {"state": "scheduled"}),
        (Post, {"state": "nowhere"}),
        (Post, {"publish_at": "2026-01-02T00:00:00Z", "unpublish_at": "2026-01-01T00:00:00Z"}),
        (Post, {"publish_at": "2026-01-02T00:00:00Z"}),
        (Post, {"unpublish_at": "2026-01-02T00:00:00Z"}),
        (SiteSettings, {"publish_at": "2026-01-02T00:00:00Z"}),
        (SiteSettings, {"state": "live"}),
        (Service, {"price_amount": 5}),
        (Service, {"price_currency": "KES"}),
        (Service, {"delivery_weeks_min": 5}),
        (Service, {"delivery_weeks_min": 5, "delivery_weeks_max": 4}),
        (Project, {"ended_on": "2026-01-01"}),
        (TESTIMONIAL, {"rating": 0}),
        (TESTIMONIAL, {"rating": 6}),
        (ContentVersion, {"id": 2}),
        (SiteSettings, {"id": 2}),
        (MediaAsset, {"focal_x": 1.1}),
        (MediaAsset, {"focal_y": -0.1}),
        (MediaAsset, {"decorative": True, "alt": "x"}),
    ],
)
def test_the_database_refuses_nonsense(model, values):
    name = {"person": "x"} if model is TESTIMONIAL else {"name": "x"} if model is SiteSettings else {}
    base = {"slug": "x", "draft_slug": "x", "draft_title": "x", **name} if issubclass(model, tuple(MODELS)) else name
    if model is MediaAsset:
        base = {"file_id": factories.asset().file_id}
    with pytest.raises(IntegrityError), transaction.atomic():
        model(**{**base, **values}).save(force_insert=True)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("testimonial", {"consent_at": None}),
        ("project", {"disclosure": "public"}),
        ("service", {"price_kind": "fixed"}),
        ("post", {"deleted_at": "2026-01-01T00:00:00Z"}),
        ("post", {"published_at": None}),
        ("post", {"live_revision": None}),
        ("post", {"state": "scheduled"}),
        ("post", {"state": "scheduled", "publish_at": "2026-01-02T00:00:00Z"}),
        ("post", {"publish_at": "2026-01-02T00:00:00Z"}),
        ("post", {"state": "archived", "unpublish_at": "2026-01-02T00:00:00Z"}),
    ],
)
def test_the_database_refuses_what_may_not_be_live(kind, change):
    item = factories.live(kind)
    with pytest.raises(IntegrityError), transaction.atomic():
        type(item).objects.filter(pk=item.pk).update(**change)
