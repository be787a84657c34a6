"""Headers, validators and the number of queries of public answers."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from cms import ports
from cms.actions import publishing, version
from cms.tests import factories
from cms.tests.factories import BY

pytestmark = pytest.mark.django_db

CACHE_CONTROL = "public, max-age=60, s-maxage=60, stale-while-revalidate=60, stale-if-error=600"
EXPOSED = "ETag, Link, Location, Retry-After, RateLimit, RateLimit-Policy, Idempotent-Replayed, X-Request-ID"
PATHS = [
    ("/api/services", "services"),
    ("/api/services/service-1", "services services:service-1"),
    ("/api/projects", "projects"),
    ("/api/projects/project-1", "projects projects:project-1"),
    ("/api/blogs", "posts"),
    ("/api/blogs/post-1", "posts posts:post-1"),
    ("/api/testimonials", "testimonials"),
    ("/api/testimonials/person-1", "testimonials testimonials:person-1"),
    ("/api/settings", "settings"),
    ("/api/tags", "tags"),
    ("/api/authors", "authors"),
]


def allowed(path):
    """The methods of an address: all are public to read, and staff write at them."""
    if path == "/api/settings":
        return "GET, PATCH, HEAD, OPTIONS"
    return "GET, PATCH, DELETE, HEAD, OPTIONS" if path.count("/") == 3 else "GET, POST, HEAD, OPTIONS"


@pytest.fixture
def content():
    for kind in factories.MODELS:
        factories.live(kind)


@pytest.mark.parametrize(("path", "tags"), PATHS)
@pytest.mark.usefixtures("content")
def test_headers_of_public_content(api, path, tags):
    answer = api.get(path, headers={"Origin": "https://elsewhere.example"})
    headers = dict(answer.items())
    assert headers.pop("Allow") == allowed(path)
    etag, request_id, modified = (headers.pop(name) for name in ("ETag", "X-Request-ID", "Last-Modified"))
    assert etag.startswith('"')
    assert len(request_id) == 36
    assert modified.endswith(" GMT")
    assert ("Link" in headers) == ("data" in answer.json())
    headers.pop("Link", None)
    assert headers == {
        "Content-Type": "application/json; charset=utf-8",
        "Content-Length": str(len(answer.content)),
        "Cache-Control": CACHE_CONTROL,
        "Vary": "Accept, Accept-Encoding",
        "Surrogate-Key": tags,
        "Cache-Tag": tags,
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": EXPOSED,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": headers["Permissions-Policy"],
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Frame-Options": "DENY",
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
        "X-API-Version": "1.0.0",
    }


@pytest.mark.parametrize("path", [path for path, _ in PATHS])
@pytest.mark.usefixtures("content")
def test_a_matching_validator_costs_one_query_until_something_is_published(api, path):
    first = api.get(path)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        again = api.get(path, headers={"If-None-Match": f'W/"x", {first["ETag"]}'})
    assert (again.status_code, again.content) == (304, b"")
    assert again["ETag"] == first["ETag"]
    assert again["Cache-Control"] == CACHE_CONTROL
    assert "Content-Type" not in again
    assert len(queries) <= 2

    version.bump(by=BY)
    changed = api.get(path, headers={"If-None-Match": first["ETag"]})
    assert changed.status_code == 200
    assert changed["ETag"] != first["ETag"]


@pytest.mark.usefixtures("content")
def test_the_validator_does_not_depend_on_the_order_of_parameters(api):
    one = api.get("/api/blogs?sort=title&per_page=5")["ETag"]
    assert api.get("/api/blogs?per_page=5&sort=title")["ETag"] == one
    assert api.get("/api/blogs?per_page=6&sort=title")["ETag"] != one
    assert api.get("/api/services?sort=title&per_page=5")["ETag"] != one


@pytest.mark.usefixtures("content")
def test_a_validator_does_not_bring_back_what_is_gone(api):
    etag = api.get("/api/blogs/post-1")["ETag"]
    from cms.models import Post

    Post.objects.update(live_revision=None, state="draft")
    assert api.get("/api/blogs/post-1", headers={"If-None-Match": etag}).status_code == 410


@pytest.mark.parametrize("path", ["/api/blogs", "/api/blogs/post-1", "/api/settings"])
@pytest.mark.usefixtures("content")
def test_head_and_options(api, path):
    get, head, options = api.get(path), api.head(path), api.options(path)
    assert (head.status_code, head.content) == (200, b"")
    same = {name: value for name, value in get.items() if name != "X-Request-ID"}
    assert {name: value for name, value in head.items() if name != "X-Request-ID"} == same
    assert (options.status_code, options["Allow"]) == (204, allowed(path))
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        refused = api.generic(method, path, "{}", content_type="application/json")
        expected = (401, "not_authenticated") if method in allowed(path) else (405, "method_not_allowed")
        assert (refused.status_code, refused.json()["code"]) == expected
        assert refused["Allow"] == allowed(path)
        assert ("WWW-Authenticate" in refused) == (refused.status_code == 401)


@pytest.mark.usefixtures("content")
def test_only_json_is_served(api):
    answer = api.get("/api/blogs", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.json()["code"]) == (406, "not_acceptable")


@pytest.mark.usefixtures("content")
def test_errors_are_not_cached_and_have_no_tags(api):
    for path, status in (("/api/blogs/nothing", 404), ("/api/blogs?x=1", 400)):
        answer = api.get(path)
        assert (answer.status_code, answer["Cache-Control"]) == (status, "no-store")
        assert "ETag" not in answer
        assert "Surrogate-Key" not in answer


def plenty(kind, count):
    tags = [factories.tag(f"Tag {number}") for number in range(3)]
    technologies = [factories.technology(f"Technology {number}") for number in range(3)]
    picture = factories.asset()
    project = factories.live("project", 999) if kind == "testimonial" else None
    values = {
        "service": {"cover": picture, "technologies": technologies},
        "project": {"gallery": [picture], "technologies": technologies},
        "post": {
            "cover": picture,
            "tags": tags,
            "authors": [factories.author(avatar=picture)],
            "category": factories.category(),
        },
        "testimonial": {"avatar": picture, "project": project},
    }[kind]
    for number in range(1, count + 1):
        factories.live(kind, number, **values)


def queries_of(api, path):
    with CaptureQueriesContext(connection) as queries:
        answer = api.get(path)
    assert answer.status_code == 200
    return len(queries), answer


@pytest.fixture
def booking_part(monkeypatch):
    """A part as bookings registers it: one query for all services."""

    def serialize(ids):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return {}

    monkeypatch.setattr(ports._service_part, "serialize", serialize)


LISTS = {
    "service": ("/api/services?per_page=100", 2),
    "project": ("/api/projects?per_page=100", 1),
    "post": ("/api/blogs?per_page=100", 1),
    "testimonial": ("/api/testimonials?per_page=100", 1),
}


@pytest.mark.parametrize("kind", LISTS)
@pytest.mark.usefixtures("booking_part")
def test_a_list_costs_as_many_queries_at_any_size(api, kind):
    path, budget = LISTS[kind]
    plenty(kind, 20)
    few, answer = queries_of(api, path)
    assert answer.json()["meta"]["total"] == 20
    for number in range(1001, 1181):
        factories.live(kind, number)
    many, answer = queries_of(api, path)
    assert answer.json()["meta"]["total"] == 200
    assert few == many == budget


@pytest.mark.usefixtures("booking_part", "content")
def test_other_addresses_stay_within_four_queries(api):
    service = factories.live("service", 2)
    factories.live("project", 2, services=[service])
    for path in (
        "/api/projects?include=services",
        "/api/services/service-2",
        "/api/projects/project-2",
        "/api/blogs/post-1",
        "/api/blogs?tag=a&q=b&fields=slug,body",
        "/api/settings",
        "/api/technologies",
    ):
        assert queries_of(api, path)[0] <= 4, path


def test_a_list_does_not_read_bodies(api):
    factories.live("post")
    with CaptureQueriesContext(connection) as queries:
        api.get("/api/blogs")
    assert not [query for query in queries if '"body"' in query["sql"]]


def test_publishing_is_seen_at_once_without_the_edge_layer(api):
    item = factories.live(title="Old")
    factories.republish(item, title="New")
    assert api.get("/api/blogs").json()["data"][0]["title"] == "New"
    publishing.unpublish(item=item, by=BY)
    assert api.get("/api/blogs").json()["data"] == []
