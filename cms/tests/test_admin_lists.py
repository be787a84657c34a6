"""Lists of content in the admin, and the words that staff read about items."""

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from cms import selectors
from cms.actions import publishing
from cms.admin import words
from cms.tests import factories
from cms.tests.factories import BY
from cms.tests.test_admin import client_of, form_of
from cms.tests.test_admin_pages import text_of, url

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor_client():
    return client_of("Editor")


@pytest.mark.parametrize("page", ["change/", "autosave/"])
def test_who_empties_a_consent_hears_that_the_item_is_off_the_site(editor_client, page):
    item = factories.live("testimonial")
    emptied = {"consent_at_0": "", "consent_at_1": "", "_save": "1"}
    sent = form_of(editor_client, url(item, "change/")) | emptied
    answer = editor_client.post(url(item, page), sent, follow=True)

    assert words.WITHDRAWN in text_of(answer)
    item.refresh_from_db()
    assert not item.is_public


def test_what_lies_in_the_trash_is_shown_formatted_and_is_not_planned(editor_client):
    item = factories.draft(body="<p>Two <strong>words</strong></p>")
    publishing.trash(item=item, by=BY)
    page = text_of(editor_client.get(url(item, "change/")))

    assert "<p>Two <strong>words</strong></p>" in page
    assert "&lt;p&gt;" not in page
    assert url(item, "history/") in page
    assert url(item, "schedule/") not in page


def test_the_trash_says_how_long_it_keeps(editor_client):
    item = factories.draft()
    publishing.trash(item=item, by=BY)
    assert "In the trash · 30 days left" in text_of(editor_client.get("/admin/cms/post/?stands=trash"))
    page = text_of(editor_client.get(url(item, "change/")))
    assert 'name="_save"' not in page
    assert "Take out of the trash" in page


def test_breadcrumbs_say_what_the_menu_says(editor_client):
    item = factories.draft(title="A fine title")
    for page, rest in {
        "/admin/cms/post/": "Posts",
        url(item, "change/"): "Posts › A fine title",
        url(item, "history/"): "Posts › A fine title › History",
        url(item, "history/compare/"): "Posts › A fine title › History › Version 1 beside version 1",
        url(item, "schedule/"): "Posts › A fine title › Schedule",
        url(item, "previews/"): "Posts › A fine title › Preview links",
    }.items():
        body = text_of(editor_client.get(page))
        crumbs = re.search(r'<div class="breadcrumbs">(.*?)</div>', body, re.DOTALL)[1]
        shown = " ".join(re.sub(r"<[^>]+>", "", crumbs).replace("&rsaquo;", "›").split())
        assert shown == f"Home › Content › {rest}", page
        assert str(item.pk) not in re.search(r"<title>(.*?)</title>", body, re.DOTALL)[1]


def test_redirects_say_where_they_lead(editor_client):
    item = factories.live(slug="fridays")
    factories.republish(item, slug="shipping-on-fridays")
    gone = factories.live("service", slug="gone-service")
    publishing.unpublish(item=gone, by=BY)
    page = text_of(editor_client.get("/admin/cms/slughistory/"))

    assert "/blog/fridays" in page
    assert '<a href="/blog/shipping-on-fridays">/blog/shipping-on-fridays</a>' in page
    assert "/services/gone-service" in page
    assert "Gone" in page
    found = text_of(editor_client.get("/admin/cms/slughistory/?q=/blog/fridays"))
    assert "/services/gone-service" not in found.partition('id="result_list"')[2]
    row = editor_client.get("/admin/cms/slughistory/?type=service")
    assert "/blog/fridays" not in text_of(row).partition('id="result_list"')[2]


def test_redirects_leave_out_what_is_an_items_own_address_unless_asked_for(editor_client):
    factories.republish(factories.live(slug="fridays"), slug="shipping-on-fridays")
    publishing.unpublish(item=factories.live("service", slug="gone-service"), by=BY)
    factories.live("service", number=2, slug="fridays")  # of another type, hence no target of the post's

    def listed(query):
        page = editor_client.get(f"/admin/cms/slughistory/{query}")
        return sorted((row.item_type, row.slug) for row in page.context["cl"].result_list), text_of(page)

    moved = [("post", "fridays"), ("service", "gone-service")]
    rows, page = listed("")
    assert rows == moved
    assert "Every address" in page
    rows, page = listed("?shown=all")
    assert rows == sorted([*moved, ("post", "shipping-on-fridays"), ("service", "fridays")])
    assert page.count("Itself: it is the item&#x27;s address") == 2
    assert listed("?shown=all&type=service")[0] == [("service", "fridays"), ("service", "gone-service")]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(5, "now"), (600, "in 10 minutes"), (-3600, "1 hour ago"), (86400 * 2, "in 2 days"), (-86400 * 1.5, "2 days ago")],
)
def test_distances_in_words(seconds, text):
    now = timezone.datetime(2026, 11, 22, 9, 0, tzinfo=timezone.get_default_timezone())
    assert words.distance(now + timedelta(seconds=seconds), now=now) == text


def test_the_history_of_an_item_of_another_type_is_not_found(editor_client):
    item = factories.draft("service")
    assert editor_client.get(f"/admin/cms/post/{item.pk}/history/").status_code == 302
    assert editor_client.get("/admin/cms/post/x/schedule/").status_code == 302
    assert selectors.revisions_of(item).count() == 1


def test_pages_of_removing_and_of_apps_say_no_internal_names(editor_client):
    tag = factories.tag("Delivery")
    page = text_of(editor_client.get(f"/admin/cms/tag/{tag.pk}/delete/"))
    crumbs = re.sub(r"<[^>]+>", "", re.search(r'<div class="breadcrumbs">(.*?)</div>', page, re.DOTALL)[1])
    assert " ".join(crumbs.split()) == "Home › Library › Tags › Delivery › Delete"
    assert editor_client.get("/admin/cms/")["Location"] == "/admin/"
