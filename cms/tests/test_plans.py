"""Every public read of posts finds its rows by an index at 20,000 of them."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

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
        cursor.execute("UPDATE cms_contentversion SET totals = '{}'")
        cursor.execute("SELECT gin_clean_pending_list('cms_post_search')")
        cursor.execute("ANALYZE cms_post, cms_post_tags, cms_tag, cms_category")


def scans(plan):
    """The whole-table scans of big tables in a plan."""
    found = [plan["Relation Name"]] if plan["Node Type"] == "Seq Scan" and plan["Relation Name"] in BIG else []
    return found + [name for child in plan.get("Plans", []) for name in scans(child)]


@pytest.mark.usefixtures("many")
def test_no_read_scans_the_table(api):
    reads = [
        ("/api/blogs", {"count"}),
        ("/api/blogs?sort=title", {"count"}),
        ("/api/blogs?sort=-updated_at", {"count"}),
        ("/api/blogs?slug=many-5&slug=many-9", set()),
        ("/api/blogs?q=word77", set()),
        ("/api/blogs?category=rare", set()),
        ("/api/blogs?tag=delivery", set()),
        ("/api/blogs?published_before=2000-01-01", set()),
        ("/api/blogs/many-500", set()),
        ("/api/blogs/nothing", set()),
    ]
    for path, counted in reads:
        with CaptureQueriesContext(connection) as queries:
            assert api.get(path).status_code in {200, 404}
        for query in queries.captured_queries:
            if not query["sql"].startswith("SELECT") or (counted and "COUNT(*)" in query["sql"]):
                continue  # the total of all rows has to look at all of them
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN (FORMAT JSON) {query['sql']}")
                found = cursor.fetchone()[0]
            plan = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
            assert scans(plan) == [], (path, query["sql"])
