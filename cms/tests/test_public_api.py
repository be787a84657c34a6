"""What readers of the API get, and what they do not."""

import pytest

from cms.actions import publishing
from cms.tests import factories
from cms.tests.factories import BY

pytestmark = pytest.mark.django_db

ROW = {"id", "slug", "title", "featured", "position", "published_at", "updated_at"}
DETAIL = ROW | {"first_published_at", "seo", "links"}
SERVICE = {
    "tagline",
    "summary",
    "icon",
    "cover",
    "price_kind",
    "price",
    "delivery_weeks",
    "technologies",
    "booking",
}
PROJECT = {"client", "summary", "cover", "services", "technologies", "role", "started_on", "ended_on"}
POST = {"excerpt", "cover", "authors", "category", "tags", "pinned", "reading_minutes"}
TESTIMONIAL = {"quote", "person", "role", "company", "avatar", "rating", "project", "verified"}
KEYS = {
    "service": ("services", SERVICE, {"body", "features", "faq", "call_to_action", "projects"}),
    "project": (
        "projects",
        PROJECT,
        {"challenge", "approach", "outcome", "metrics", "gallery", "site_url", "repository_url", "testimonial"},
    ),
    "post": ("blogs", POST, {"body", "words", "related"}),
    "testimonial": ("testimonials", TESTIMONIAL, {"source_url"}),
}


@pytest.mark.parametrize("kind", KEYS)
def test_keys_are_those_of_the_contract(api, kind):
    path, row, more = KEYS[kind]
    item = factories.live(kind)

    listed = api.get(f"/api/{path}").json()
    assert listed.keys() == {"data", "meta", "links"}
    assert [found["id"] for found in listed["data"]] == [str(item.pk)]
    assert listed["data"][0].keys() == ROW | row

    detail = api.get(f"/api/{path}/{item.slug}").json()
    assert detail.keys() == DETAIL | row | more
    assert detail["links"] == {
        "self": f"http://testserver/api/{path}/{item.slug}",
        "canonical": f"http://testserver/{'blog' if kind == 'post' else path}/{item.slug}",
    }


def test_a_post_in_full(api):
    cover = factories.asset(focal_x=0.25)
    wanjiru = factories.author(avatar=cover)
    brian = factories.author("Brian Mwangi")
    other = factories.live("post", 2)
    item = factories.live(
        "post",
        title="Shipping on Fridays",
        body='<h2>Why</h2><p>Because <a href="https://example.org/">they said</a> so.</p><h2>Why</h2><p>Again.</p>',
        cover=cover,
        authors=[brian, wanjiru],
        category=factories.category(),
        tags=[factories.tag("Zeal"), factories.tag("Delivery")],
        related=[other],
        pinned=True,
    )

    detail = api.get("/api/blogs/shipping-on-fridays").json()

    assert detail["cover"] == {
        "alt": "A grey rectangle",
        "width": 64,
        "height": 36,
        "focal": {"x": 0.25, "y": 0.5},
        "color": cover.file.color or None,
        "blur_data_url": cover.file.blur_data_url or None,
        "src": detail["cover"]["src"],
        "variants": detail["cover"]["variants"],
    }
    assert detail["cover"]["src"].startswith("http://testserver/media/files/")
    assert [one["name"] for one in detail["authors"]] == ["Brian Mwangi", "Wanjiru Kamau"]
    assert [one["avatar"] and one["avatar"]["width"] for one in detail["authors"]] == [None, 64]
    assert detail["category"] == {"slug": "practice", "name": "Practice"}
    assert detail["tags"] == [{"slug": "delivery", "name": "Delivery"}, {"slug": "zeal", "name": "Zeal"}]
    assert detail["body"]["html"] == (
        '<h2 id="why">Why</h2><p>Because <a href="https://example.org/" rel="noopener nofollow">they said</a> so.</p>'
        '<h2 id="why-2">Why</h2><p>Again.</p>'
    )
    assert detail["body"]["text"] == "Why Because they said so. Why Again."
    assert detail["body"]["toc"] == [
        {"id": "why", "level": 2, "text": "Why"},
        {"id": "why-2", "level": 2, "text": "Why"},
    ]
    assert (detail["words"], detail["reading_minutes"], detail["pinned"]) == (7, 1, True)
    assert detail["related"] == [{"slug": other.slug, "title": "Post 2"}]
    assert detail["seo"] == {"title": "Shipping on Fridays", "description": "", "image": None, "noindex": False}
    assert detail["published_at"] == item.published_at.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_posts_are_related_by_tags_unless_chosen(api):
    shared, rare = factories.tag("Shared"), factories.tag("Rare")
    factories.live("post", 1, tags=[shared, rare])
    factories.live("post", 2, tags=[shared])
    factories.live("post", 3, tags=[shared, rare])
    factories.live("post", 4)
    factories.draft("post", 5, tags=[shared, rare])

    assert [one["slug"] for one in api.get("/api/blogs/post-1").json()["related"]] == ["post-3", "post-2"]


def test_settings_before_and_after_their_publication(api):
    before = api.get("/api/settings").json()
    assert before["identity"]["name"] == "Studio"
    assert before["updated_at"] is None

    factories.site(navigation_header=[{"label": "Work", "url": "/projects"}], announcement_text="We moved")
    after = api.get("/api/settings").json()
    assert after.keys() == {
        "identity",
        "contact",
        "opening_hours",
        "social",
        "navigation",
        "seo",
        "analytics",
        "legal",
        "announcement",
        "updated_at",
        "links",
    }
    assert after["identity"] == {
        "name": "Example Studio",
        "legal_name": "",
        "tagline": "",
        "logo": None,
        "icon": None,
    }
    assert after["navigation"] == {"header": [{"label": "Work", "url": "/projects"}], "footer": []}
    assert after["announcement"] == {"text": "We moved", "url": None, "starts_at": None, "ends_at": None}


def test_a_list_leaves_the_body_out_unless_asked(api):
    factories.live("post", body="<p>Body words</p>")
    assert "Body words" not in api.get("/api/blogs").content.decode()
    assert api.get("/api/blogs?fields=slug,body").json()["data"] == [
        {"slug": "post-1", "body": {"html": "<p>Body words</p>", "text": "Body words", "toc": []}}
    ]


def test_pages_link_to_their_neighbours(api):
    for number in range(1, 6):
        factories.live("service", number, position=number)
    answer = api.get("/api/services?per_page=2&page=2&fields=slug")
    body = answer.json()
    base = "http://testserver/api/services?per_page=2&fields=slug"
    assert [row["slug"] for row in body["data"]] == ["service-3", "service-4"]
    assert body["meta"] == {
        "page": 2,
        "per_page": 2,
        "total": 5,
        "pages": 3,
        "content_version": body["meta"]["content_version"],
    }
    assert body["links"] == {
        "self": f"{base}&page=2",
        "first": base,
        "prev": base,
        "next": f"{base}&page=3",
        "last": f"{base}&page=3",
    }
    assert f'<{base}&page=3>; rel="next"' in answer["Link"]
    assert api.get("/api/services?per_page=2&page=4").status_code == 404


def test_include_puts_rows_in_the_place_of_references(api):
    service = factories.live("service")
    hidden = factories.draft("service", 2)
    factories.live("project", services=[service, hidden])

    plain = api.get("/api/projects").json()["data"][0]
    assert plain["services"] == [{"slug": "service-1", "title": "Service 1"}]
    full = api.get("/api/projects?include=services").json()["data"][0]
    assert full["services"] == api.get("/api/services").json()["data"]
    assert api.get("/api/services/service-1?include=projects").json()["projects"][0]["summary"] == "What it was."


@pytest.mark.parametrize(
    ("query", "slugs"),
    [
        ("tag=delivery", ["post-1"]),
        ("category=practice", ["post-2"]),
        ("author=wanjiru-kamau", ["post-3"]),
        ("featured=true", ["post-4"]),
        ("slug=post-1&slug=post-4", ["post-4", "post-1"]),
        ("q=giraffes", ["post-2"]),
        ("tag=nothing", []),
        ("year=1999", []),
        ("published_after=2100-01-01", []),
        ("published_before=2100-01-01T00:00:00Z&sort=title", ["post-1", "post-2", "post-3", "post-4"]),
        ("sort=-title", ["post-4", "post-3", "post-2", "post-1"]),
        ("", ["post-3", "post-4", "post-2", "post-1"]),
    ],
)
def test_filters_and_sorts_of_posts(api, query, slugs):
    factories.live("post", 1, tags=[factories.tag()])
    factories.live("post", 2, category=factories.category(), body="<p>About a giraffe.</p>")
    factories.live("post", 3, authors=[factories.author()], pinned=True)
    factories.live("post", 4, featured=True)
    found = api.get(f"/api/blogs?fields=slug&{query}")
    assert [row["slug"] for row in found.json()["data"]] == slugs


def test_filters_across_types(api):
    django = factories.technology()
    service = factories.live("service", technologies=[django])
    project = factories.live("project", services=[service], technologies=[django], started_on="2025-03-01")
    factories.live("testimonial", project=project, rating=5)
    for query in (
        "services?technology=django",
        "projects?service=service-1",
        "projects?technology=django",
        "projects?year=2025",
        "testimonials?project=project-1",
        "testimonials?service=service-1",
        "testimonials?rating=5",
        "projects?sort=-started_on",
        "testimonials?sort=-rating",
    ):
        assert api.get(f"/api/{query}").json()["meta"]["total"] == 1, query
    for query in (
        "services?technology=rust",
        "projects?service=nothing",
        "projects?year=2024",
        "testimonials?service=nothing",
        "testimonials?rating=4",
        "services?bookable=true",
    ):
        assert api.get(f"/api/{query}").json()["meta"]["total"] == 0, query


BAD = [
    ("colour=red", "colour"),
    ("page=0", "page"),
    ("page=-1", "page"),
    ("page=1e3", "page"),
    ("page=1&page=2", "page"),
    ("per_page=0", "per_page"),
    ("per_page=101", "per_page"),
    ("sort=body", "sort"),
    ("sort=", "sort"),
    ("sort=title,", "sort"),
    ("fields=title,secret", "fields"),
    ("include=tags", "include"),
    ("include=related__authors", "include"),
    ("featured=1", "featured"),
    ("year=20x6", "year"),
    ("year=99999", "year"),
    ("published_after=2026-02-30", "published_after"),
    ("published_after=2026-02-03T10:00:00", "published_after"),
    ("tag=", "tag"),
    ("tag=a&tag=b", "tag"),
    ("q=%20", "q"),
    ("q=" + "x" * 201, "q"),
    ("q=%00", "q"),
    ("tag=a%00b", "tag"),
    ("preview=x", "preview"),
    ("view=live", "view"),
    ("&".join(["slug=a"] * 51), "slug"),
    ("q=" + "x" * 5000, "*"),
]


@pytest.mark.parametrize(("query", "parameter"), BAD)
def test_abused_parameters_are_refused_and_named(api, query, parameter):
    answer = api.get(f"/api/blogs?{query}")
    assert answer.status_code == 400
    problem = answer.json()
    assert problem["code"] == "validation_error"
    assert {error["parameter"] for error in problem["errors"]} == {parameter}


def test_an_unknown_parameter_names_the_allowed_ones(api):
    error = api.get("/api/testimonials?colour=red").json()["errors"][0]
    assert error["detail"] == (
        "Allowed: featured, fields, include, page, per_page, project, q, rating, service, slug, sort, view."
    )
    assert api.get("/api/blogs/x?page=1").json()["errors"][0]["detail"] == "Allowed: fields, include, preview, view."
    assert api.get("/api/settings?fields=seo").status_code == 400


@pytest.mark.parametrize("page", [10**9, 10**17])
def test_a_page_past_the_end_is_not_there(api, page):
    factories.live()
    assert api.get(f"/api/blogs?page={page}").status_code == 404


def test_strange_slugs_are_not_there(api):
    for slug in ("UPPER", "a%00b", "a%2Fb", "-", "ä", "x" * 300, "%F0%9F%98%80"):
        assert api.get(f"/api/blogs/{slug}").status_code == 404, slug


def test_renamed_slugs_lead_to_the_item_in_one_hop(api):
    item = factories.live(slug="a")
    item = factories.republish(item, slug="b")
    item = factories.republish(item, slug="c")

    for old in ("a", "b"):
        moved = api.get(f"/api/blogs/{old}?fields=slug")
        assert (moved.status_code, moved["Location"]) == (301, "/api/blogs/c?fields=slug")
        assert moved["Cache-Control"] == "public, max-age=60"
        assert api.get(f"/api/redirects?path=/blog/{old}").json() == {
            "path": f"/blog/{old}",
            "to": "/blog/c",
            "status": 301,
        }
    assert api.get("/api/redirects?path=/blog/c").status_code == 404

    other = factories.live("post", 2, slug="b")
    assert api.get("/api/blogs/b").json()["id"] == str(other.pk)
    assert api.get("/api/blogs/a")["Location"] == "/api/blogs/c"

    publishing.unpublish(item=item, by=BY)
    assert [api.get(f"/api/blogs/{slug}").status_code for slug in ("a", "b", "c")] == [410, 200, 410]
    assert api.get("/api/redirects?path=/blog/a").json() == {"path": "/blog/a", "to": None, "status": 410}


def test_a_draft_cannot_be_told_from_nothing(api, django_assert_num_queries):
    factories.draft(slug="hidden")
    factories.live("post", 2)
    answers = []
    for slug in ("hidden", "nothing"):
        with django_assert_num_queries(2):
            answer = api.get(f"/api/blogs/{slug}")
        body = answer.json()
        assert body.pop("instance") == f"/api/blogs/{slug}"
        assert body.pop("request_id")
        headers = {name: value for name, value in answer.items() if name != "X-Request-ID"}
        answers.append((answer.status_code, body, headers | {"Content-Length": ""}))
    assert answers[0] == answers[1]
    assert answers[0][0] == 404


def test_taxonomies_count_what_is_live(api):
    shared = factories.tag()
    django = factories.technology()
    wanjiru = factories.author(bio="<p>Writes.</p>")
    factories.live("post", 1, tags=[shared], category=factories.category(), authors=[wanjiru])
    factories.draft("post", 2, tags=[shared], authors=[wanjiru])
    factories.live("service", technologies=[django])
    factories.live("project", technologies=[django])

    assert api.get("/api/tags").json()["data"] == [{"slug": "delivery", "name": "Delivery", "count": 1}]
    assert api.get("/api/categories").json()["data"] == [{"slug": "practice", "name": "Practice", "count": 1}]
    assert api.get("/api/technologies").json()["data"] == [{"slug": "django", "name": "Django", "count": 2}]
    row = {"slug": "wanjiru-kamau", "name": "Wanjiru Kamau", "avatar": None, "count": 1}
    assert api.get("/api/authors").json()["data"] == [row]
    assert api.get("/api/authors/wanjiru-kamau").json() == {
        **row,
        "bio": {"html": "<p>Writes.</p>", "text": "Writes.", "toc": []},
        "links": {"self": "http://testserver/api/authors/wanjiru-kamau"},
    }
    assert api.get("/api/authors/nobody").status_code == 404
