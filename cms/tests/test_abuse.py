"""Parameters that nobody means well with: 400 or 404, never 500, and never a scan of a table."""

import pytest

from cms.tests import factories

pytestmark = pytest.mark.django_db
LISTS = ("services", "projects", "blogs", "testimonials")
TERMS = ("tags", "categories", "technologies", "authors")
BAD = (
    "x=1",
    "page=0",
    "page=-1",
    "page=1e9",
    "page=%00",
    "page=1&page=2",
    "page=99999999999999999999",
    "per_page=0",
    "per_page=101",
    "per_page=1000000000",
    "per_page=all",
    "page=%F0%9F%92%A5",
)
BAD_OF_LISTS = (
    "fields=",
    "fields=*",
    "fields=search",
    "fields=live_revision",
    "fields=slug,password",
    "fields=slug&fields=title",
    "include=",
    "include=authors__user",
    "include=revisions",
    "sort=",
    "sort=random",
    "sort=--title",
    "sort=title;drop",
    "sort=live_revision__snapshot",
    "featured=1",
    "featured=true&featured=false",
    "q=",
    "q=%20%20",
    "q=" + "a" * 201,
    "q=a%00b",
    "slug=",
    "slug=" + "a" * 201,
    "&".join(f"slug=a-{number}" for number in range(51)),
    "q=" + "a" * 5000,
    "state=draft",
    "trash=true",
    "id__startswith=0",
)
ODD = ("q=%26%7C%21%3A*%28%29", "q=%27%22%5C", "q=-", "q=" + "%22" * 60, "q=%D9%A0", "slug=..%2F..%2Fetc", "slug=%27--")


@pytest.mark.parametrize("path", [*LISTS, *TERMS])
@pytest.mark.parametrize("query", BAD)
def test_bad_paging_is_refused(api, path, query):
    answer = api.get(f"/api/{path}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("query", BAD_OF_LISTS)
def test_bad_parameters_are_refused_without_asking_the_database(api, path, query, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = api.get(f"/api/{path}?{query}")
    assert answer.status_code in {400, 401}
    assert answer.json()["code"] in {"validation_error", "not_authenticated"}


@pytest.mark.parametrize("path", LISTS)
@pytest.mark.parametrize("query", ODD)
def test_odd_words_find_nothing(api, path, query):
    factories.live({"blogs": "post"}.get(path, path.removesuffix("s")))
    answer = api.get(f"/api/{path}?{query}")
    assert (answer.status_code, answer.json()["data"]) == (200, [])


@pytest.mark.parametrize("path", [*LISTS, *TERMS])
def test_a_page_far_past_the_end_costs_no_rows(api, path, django_assert_max_num_queries):
    with django_assert_max_num_queries(2):
        answer = api.get(f"/api/{path}?page={10**9}&per_page=100")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


@pytest.mark.parametrize(
    "slug", ["%00", "A", "a_b", "..", "a%2Fb", "a" * 201, "%F0%9F%92%A5", "-a", "a--b", "a%0A", "'or'1'='1", "%ff"]
)
def test_slugs_that_cannot_be_are_not_there(api, slug, django_assert_num_queries):
    for path in (*LISTS, "authors"):
        answer = api.get(f"/api/{path}/{slug}")
        assert answer.status_code == 404
