"""How much is public is kept beside the version, and agrees with a count whatever happens; queries stay few."""

import pytest
from django.db import connection

from cms import registry
from cms.actions import publishing, totals
from cms.models import ContentVersion, Post
from cms.tests import factories
from cms.tests.factories import BY
from common.tests.racing import at_once


def kept():
    return ContentVersion.objects.get().totals


@pytest.mark.django_db
def test_every_move_keeps_it_right(api):
    one, two = factories.live("post", 1), factories.live("post", 2)
    assert kept() == {"post": 2}
    factories.draft("post", 3)
    one = factories.republish(one, title="Again")
    assert kept() == {"post": 2}
    publishing.archive(item=two, by=BY)
    assert kept() == {"post": 1}
    publishing.trash(item=publishing.unpublish(item=one, by=BY), by=BY)
    assert kept() == {"post": 0}
    assert api.get("/api/blogs").json()["meta"]["total"] == 0
    factories.live("service")
    factories.site()
    assert kept() == {"post": 0, "service": 1}


@pytest.mark.django_db
def test_a_page_says_what_is_kept_and_counts_what_is_filtered(api):
    for number in range(3):
        factories.live("post", number)
    ContentVersion.objects.update(totals={"post": 21})
    assert api.get("/api/blogs").json()["meta"] == {
        "page": 1,
        "per_page": 20,
        "total": 21,
        "pages": 2,
        "content_version": 4,
    }
    assert api.get("/api/blogs?featured=false").json()["meta"]["total"] == 3
    ContentVersion.objects.update(totals={})
    assert api.get("/api/blogs").json()["meta"]["total"] == 3


@pytest.mark.django_db
def test_rows_written_past_the_actions_are_found_by_a_recount(api):
    factories.live("post", 1)
    factories.live("post", 2)
    version = ContentVersion.objects.get().number
    Post.objects.filter(slug="post-1").delete()

    assert totals.recount(by=BY) == {"service": 0, "project": 0, "post": 1, "testimonial": 0}
    assert ContentVersion.objects.get().number == version + 1
    assert totals.recount(by=BY)["post"] == 1
    assert ContentVersion.objects.get().number == version + 1


@pytest.mark.django_db(transaction=True)
def test_two_publishers_do_not_lose_one_another():
    drafts = [factories.draft("post", number) for number in range(8)]

    def publish(items):
        return lambda: [publishing.publish(item=item, by=BY) for item in items]

    outcomes = at_once(publish(drafts[:4]), publish(drafts[4:]))
    connection.close()
    assert not [one for one in outcomes if isinstance(one, Exception)]
    assert kept()["post"] == registry.get("post").live().count() == 8


@pytest.mark.django_db
def test_includes_cost_at_most_four_queries(api, django_assert_max_num_queries):
    quote = factories.live("testimonial")
    service = factories.live("service")
    project = factories.live("project", services=[service], testimonial=quote)
    for path in ("/api/projects", f"/api/projects/{project.slug}"):
        with django_assert_max_num_queries(4):
            answer = api.get(f"{path}?include=services,testimonial").json()
        row = answer["data"][0] if "data" in answer else answer
        assert [one["summary"] for one in row["services"]] == ["What it is."]
        assert row["testimonial"]["quote"] == "They were good."
