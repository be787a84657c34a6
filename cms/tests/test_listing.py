"""Lists without filters run SQL that is kept; nobody must be able to tell."""

import pytest
from django.core.exceptions import EmptyResultSet

from cms import reading, registry
from cms.api import listing
from cms.compiled import Compiled
from cms.models import Post
from cms.tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def kept(monkeypatch):
    kept = {}
    monkeypatch.setattr(listing, "_kept", kept)
    return kept


def without_request_id(answer):
    return {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}


def test_compiled_rows_are_those_of_the_queryset():
    author = factories.author()
    for number in range(5):
        factories.live("post", number, cover=factories.asset(), authors=[author], tags=[factories.tag(f"T{number}")])
    post = registry.get("post")
    rows = reading.selected(post.live().order_by("title", "id"), post.outputs.values())

    compiled = Compiled.of(rows)

    assert [row["title"] for row in compiled[1:4]] == ["Post 1", "Post 2", "Post 3"]
    assert compiled[1:4] == list(rows[1:4])
    assert compiled[9:12] == []


def test_a_queryset_that_cannot_find_anything_is_not_compiled():
    with pytest.raises(EmptyResultSet):
        Compiled.of(Post.objects.filter(slug__in=[]).values("slug"))


@pytest.mark.parametrize(
    "path", ["/api/blogs", "/api/blogs?sort=-title&per_page=2&page=2", "/api/services?fields=slug", "/api/projects"]
)
def test_the_second_answer_is_the_first(api, kept, path):
    for kind in ("post", "service", "project"):
        for number in range(3):
            factories.live(kind, number)
    first = api.get(path)
    assert first.status_code == 200
    assert len(kept) == 1

    second = api.get(path)

    assert (second.content, without_request_id(second)) == (first.content, without_request_id(first))
    assert len(kept) == 1


def test_pages_share_what_is_kept_and_sorts_and_fields_do_not(api, kept):
    factories.live()
    for query in ("", "?per_page=5", "?page=1", "?include=related&fields=related", "?sort=title", "?fields=slug"):
        assert api.get(f"/api/blogs{query}").status_code == 200
    assert len(kept) == 4


def test_a_filtered_list_is_not_kept(api, kept):
    factories.live()
    assert len(api.get("/api/blogs?q=words").json()["data"]) == 1
    assert api.get("/api/blogs?q=nothing").json()["data"] == []
    assert kept == {}


def test_refusals_are_the_same_before_and_after(api, kept):
    for _ in range(2):
        assert api.get("/api/blogs?sort=colour").status_code == 400
        assert api.get("/api/blogs?sort=title&sort=title").status_code == 400
        assert api.get("/api/blogs?page=2").status_code == 404
        assert api.get("/api/blogs?page=999999999999999999&per_page=100").status_code == 404
        assert api.get("/api/blogs?per_page=0").status_code == 400
        assert api.get("/api/blogs").json()["meta"]["total"] == 0
    assert len(kept) == 1


def test_what_is_kept_is_bounded(api, kept, monkeypatch):
    monkeypatch.setattr(listing, "KEPT", 2)
    for sort in ("title", "-title", "updated_at"):
        assert api.get(f"/api/blogs?sort={sort}").status_code == 200
    assert len(kept) == 1
