"""Preview links: whom they let in, what they show, what they count, and what is kept of them."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client

from audit.models import AuditEvent
from cms import selectors
from cms.actions import drafts, previews, publishing
from cms.errors import InvalidTransition
from cms.models import PreviewToken
from cms.tests import factories
from cms.tests.factories import BY
from common.clock import db_now
from common.errors import NotFound, ValidationFailed

pytestmark = pytest.mark.django_db


def path(link):
    return link.url.removeprefix("http://testserver")


def test_a_link_opens_the_draft_on_its_own_page(client):
    item = factories.draft(title="Not public yet", slug="not-public-yet")
    link = previews.issue(item=item, by=BY)

    assert path(link) == f"/blog/not-public-yet?preview={link.token}"
    answer = client.get(path(link))

    page = answer.content.decode()
    assert answer.status_code == 200
    assert "Not public yet" in page
    assert "Preview of version 1" in page
    assert '<meta name="robots" content="noindex">' in page
    assert client.get("/blog/not-public-yet").status_code == 404


def test_nobody_else_keeps_a_preview(client):
    answer = client.get(path(previews.issue(item=factories.draft(), by=BY)))

    assert answer["Cache-Control"] == "private, no-store"
    assert answer["X-Robots-Tag"] == "noindex, nofollow"
    assert answer["Referrer-Policy"] == "no-referrer"
    assert answer["X-Frame-Options"] == "SAMEORIGIN"
    assert "frame-ancestors 'self'" in answer["Content-Security-Policy"]
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "ETag" not in answer


def test_a_link_shows_the_version_that_it_was_made_for_and_readers_the_live_one(client):
    item = factories.live(title="Live words", slug="live-words")
    factories.edit(item, title="Second words")
    link = previews.issue(item=item, by=BY)
    first = previews.issue(item=item, by=BY, revision=selectors.revision(item, 1))
    factories.edit(item, title="Third words")

    assert "Second words" in client.get(path(link)).content.decode()
    assert "Live words" in client.get(path(first)).content.decode()
    public = client.get("/blog/live-words").content.decode()
    assert "Live words" in public
    assert "Preview of" not in public


def test_openings_are_counted_and_the_token_is_kept_only_as_a_hash():
    item = factories.draft()
    link = previews.issue(item=item, by=BY, hours=5)
    row = PreviewToken.objects.get()

    assert (row.opened, row.last_opened_at) == (0, None)
    assert row.expires_at - row.created_at == timedelta(hours=5)
    assert link.token.encode() not in bytes(row.token_hash)
    assert len(bytes(row.token_hash)) == 32
    assert previews.opened(token=link.token, kind_name="post")[0] == item
    Client().get(path(link))
    row.refresh_from_db()
    assert row.opened == 2
    assert row.last_opened_at is not None
    assert [one.pk for one in selectors.previews_of(item)] == [link.id]


@pytest.mark.parametrize(
    "case", ["unknown", "malformed", "expired", "revoked", "another type", "trashed", "foreign slug"]
)
def test_what_opens_nothing_is_as_if_it_had_never_been(client, case):
    item = factories.draft(slug="a-slug")
    link = previews.issue(item=item, by=BY)
    address = path(link)
    if case == "unknown":
        address = f"/blog/a-slug?preview=pv_{'A' * 43}"
    if case == "malformed":
        address = "/blog/a-slug?preview=%00"
    if case == "expired":
        PreviewToken.objects.update(created_at=db_now() - timedelta(days=4), expires_at=db_now())
    if case == "revoked":
        previews.revoke(item=item, token_id=link.id, by=BY)
    if case == "another type":
        address = f"/services/a-slug?preview={link.token}"
    if case == "trashed":
        publishing.trash(item=item, by=BY)
    if case == "foreign slug":
        address = f"/blog/{factories.live('post', 2, slug='b-slug').slug}?preview={link.token}"

    refused, unknown = client.get(address), client.get("/blog/never-there")

    assert (refused.status_code, unknown.status_code) == (404, 404)
    assert PreviewToken.objects.get().opened == 0


@pytest.mark.parametrize(
    ("kind", "page"), [("service", "/services/x"), ("project", "/projects/x"), ("testimonial", "/testimonials")]
)
def test_every_type_has_a_page_for_its_preview(client, kind, page):
    item = factories.draft(kind, slug="x", **{"person" if kind == "testimonial" else "title": "Canary of a draft"})
    link = previews.issue(item=item, by=BY)

    assert path(link) == f"{page}?preview={link.token}"
    assert "Canary of a draft" in client.get(path(link)).content.decode()
    assert "Canary of a draft" not in client.get(page).content.decode()


def test_settings_are_seen_on_the_start_page_and_in_the_legal_texts(client):
    item = factories.site(name="Murram")
    factories.edit(item, name="Murram Anew", privacy_text="<p>Canary of a notice</p>")
    link = previews.issue(item=item, by=BY)

    assert path(link) == f"/?preview={link.token}"
    assert "Murram Anew" in client.get(path(link)).content.decode()
    assert "Canary of a notice" in client.get(f"/privacy?preview={link.token}").content.decode()
    assert client.get(f"/terms?preview={link.token}").status_code == 200
    assert "Murram Anew" not in client.get("/").content.decode()
    assert "Canary" not in client.get("/privacy").content.decode()


def test_links_lead_to_the_front_end_where_there_is_one(settings):
    settings.FRONTEND_URL = "https://example.com"
    link = previews.issue(item=factories.draft(slug="a-slug"), by=BY)

    assert link.url == f"https://example.com/preview?type=post&slug=a-slug&token={link.token}"


def test_making_and_closing_a_link_are_events_without_the_token():
    item = factories.draft()
    link = previews.issue(item=item, by=BY)
    previews.revoke(item=item, token_id=link.id, by=BY)
    previews.revoke(item=item, token_id=link.id, by=BY)

    events = AuditEvent.objects.filter(action__startswith="preview.").order_by("id")
    assert [event.action for event in events] == ["preview.issued", "preview.revoked"]
    assert all(link.token not in f"{event.before}{event.after}" for event in events)


def test_a_link_belongs_to_its_item():
    item, other = factories.draft(), factories.draft("post", 2)
    link = previews.issue(item=item, by=BY)

    with pytest.raises(NotFound):
        previews.revoke(item=other, token_id=link.id, by=BY)
    with pytest.raises(NotFound):
        previews.issue(item=other, by=BY, revision=item.latest_revision)
    assert PreviewToken.objects.get().revoked_at is None


@pytest.mark.parametrize("hours", [0, -1, 721])
def test_a_link_lasts_from_an_hour_to_thirty_days(hours):
    item = factories.draft()

    with pytest.raises(ValidationFailed) as refused:
        previews.issue(item=item, by=BY, hours=hours)

    assert refused.value.errors[0].pointer == "#/expires_in_hours"
    assert PreviewToken.objects.count() == 0


def test_what_is_in_the_trash_has_no_preview():
    item = publishing.trash(item=factories.draft(), by=BY)

    with pytest.raises(InvalidTransition):
        previews.issue(item=item, by=BY)


def test_a_link_to_an_autosave_that_was_replaced_shows_the_newest_draft(client):
    item = factories.draft(slug="a-slug")
    item = drafts.autosave(item=item, values={"title": "Half a thought"}, by=BY, expected_version=item.lock_version)
    link = previews.issue(item=item, by=BY)
    factories.edit(item, title="Said in full")
    PreviewToken.objects.update(revision=None)

    assert "Said in full" in client.get(path(link)).content.decode()


def test_links_that_are_long_over_are_forgotten():
    item = factories.draft()
    kept = previews.issue(item=item, by=BY)
    previews.issue(item=item, by=BY, now=db_now() - timedelta(days=60))

    assert previews.forget(by=BY) == 1
    assert [one.pk for one in PreviewToken.objects.all()] == [kept.id]


@pytest.mark.parametrize("nonsense", [{"opened": 1}, {"last_opened_at": db_now}, {"expires_at": None}])
def test_the_database_refuses_nonsense(nonsense):
    previews.issue(item=factories.draft(), by=BY)
    values = {name: value() if callable(value) else value for name, value in nonsense.items()}
    if "expires_at" in values:
        values["expires_at"] = PreviewToken.objects.get().created_at

    with pytest.raises(IntegrityError), transaction.atomic():
        PreviewToken.objects.update(**values)
