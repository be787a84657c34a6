"""Every public read of posts finds its rows by an index at 20,000 of them."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cms.actions import totals
from cms.tests import factories

ROWS = 20_000
COPY = """
    INSERT INTO cms_post (
        id, title, slug, draft_slug, draft_title, state, position, featured, seo_title, seo_description, canonical_url,
        noindex, deleted_by, lock_version, excerpt, body, pinned, words, reading_minutes, live_revision_id,
        latest_revision_id, published_at, first_published_at, category_id
    )
    SELECT gen_random_uuid(), 'Post ' || n, 'many-' || n, 'many-' || n, 'Post ' || n, 'live', 0, n %% 1000 = 0, '', '',
        '', false, '', 1, 'Excerpt', '<p>Word' || n || '</p>', false, 1, 1, live_revision_id, latest_revision_id,
        now() - n * interval '1 minute', now() - n * interval '1 minute', category_id
    FROM cms_post, generate_series(1, %s) AS n WHERE slug = 'post-1'
"""
TAGGED = "INSERT INTO cms_post_tags (post_id, tag_id) SELECT id, %s FROM cms_post WHERE slug LIKE 'many-%%777'"
BIG = {"cms_post"}


@pytest.fixture
def many(db):
    tag = factories.tag()
    factories.live("post", 1, category=factories.category())
    factories.live("post", 2, tags=[tag], category=factories.category("Rare"))
    with connection.cursor() as cursor:
        cursor.execute(COPY, [ROWS])
        cursor.execute(TAGGED, [tag.pk])
        cursor.execute("SELECT gin_clean_pending_list('cms_post_search')")
        cursor.execute("ANALYZE cms_post, cms_post_tags, cms_tag, cms_category, cms_postauthor, cms_author")
    totals.recount(by=factories.BY)


def scans(plan):
    """The whole-table scans of big tables in a plan that was carried out."""
    ran = plan["Actual Loops"] > 0
    found = [plan["Relation Name"]] if ran and plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in BIG else []
    return found + [name for child in plan.get("Plans", []) for name in scans(child)]


PLAIN = ("title", "-title", "updated_at", "-updated_at", "published_at", "-published_at")
READS = (
    "/api/blogs",
    "/api/blogs?page=2",
    "/api/blogs?include=related",
    "/api/blogs?fields=slug,body",
    *(f"/api/blogs?sort={name}" for name in PLAIN),
    "/api/blogs?featured=true",
    "/api/blogs?slug=many-5&slug=many-9",
    "/api/blogs?q=word77",
    "/api/blogs?category=rare",
    "/api/blogs?tag=delivery",
    "/api/blogs?author=nobody",
    "/api/blogs?year=2001",
    "/api/blogs?published_after=2999-01-01",
    "/api/blogs?published_before=2000-01-01",
    "/api/blogs/many-500",
    "/api/blogs/post-2",
    "/api/blogs/post-2?include=related",
    "/api/blogs/nothing",
    "/api/changes?since=0",
)


@pytest.mark.usefixtures("many")
def test_no_read_scans_the_table(api):
    for path in READS:
        with CaptureQueriesContext(connection) as queries:
            assert api.get(path).status_code in {200, 404}
        assert len(queries) <= 4, path
        for query in queries.captured_queries:
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {query['sql']}")
                found = cursor.fetchone()[0]
            plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
            assert scans(plan) == [], (path, query["sql"])
