"""The writing format: every key round-trips, faults point at the keys of the API, and nothing hostile gets in."""

import pytest

from accounts.tests import factories as accounts
from cms.models import Post, Revision, SlugClaim
from cms.tests import factories

pytestmark = pytest.mark.django_db
HOSTILE = (
    '<p onclick="x()">Words</p><script>alert(1)</script><img src=x onerror=alert(1)>'
    '<a href="javascript:alert(1)">link</a><iframe src="//evil.example"></iframe>'
)
SHARED = {
    "slug": "chosen-slug",
    "featured": True,
    "position": 7,
    "seo_title": "For engines",
    "seo_description": "What engines say.",
    "canonical_url": "https://elsewhere.example/original",
    "noindex": True,
}
SHOWN = {
    "slug": "chosen-slug",
    "featured": True,
    "position": 7,
    "seo": {"title": "For engines", "description": "What engines say.", "noindex": True},
    "links": {"canonical": "https://elsewhere.example/original"},
}


@pytest.fixture
def editor():
    return accounts.staff("Editor")[1]


def etag(version):
    return {"If-Match": f'"v{version}"'}


def holds(answer, wanted):
    """Whether an answer has these members, those of objects by their own."""
    for name, value in wanted.items():
        if isinstance(value, dict):
            holds(answer[name], value)
        else:
            assert answer[name] == value, name


def service():
    picture, other = factories.asset(), factories.asset("Other")
    factories.technology()
    body = {
        **SHARED,
        "title": "Workshop",
        "tagline": "Two days",
        "summary": "What it is.",
        "body": "<h2>Why</h2><p>Because.</p>",
        "icon": "cloud",
        "cover": str(picture.pk),
        "og_image": str(other.pk),
        "price_kind": "fixed",
        "price": {"amount": 250000, "currency": "kes"},
        "delivery_weeks": {"min": 2, "max": 4},
        "features": [{"title": "A", "text": "B"}, {"title": "C"}],
        "faq": [{"question": "Q?", "answer": "A."}],
        "technologies": ["django"],
        "call_to_action": {"label": "Go", "url": "/contact"},
    }
    shown = {
        **SHOWN,
        "title": "Workshop",
        "tagline": "Two days",
        "summary": "What it is.",
        "body": {"text": "Why Because."},
        "icon": "cloud",
        "cover": {"alt": "A grey rectangle"},
        "seo": {**SHOWN["seo"], "image": {"alt": "Other"}},
        "price_kind": "fixed",
        "price": {"amount": 250000, "currency": "KES"},
        "delivery_weeks": {"min": 2, "max": 4},
        "features": [{"title": "A", "text": "B"}, {"title": "C", "text": ""}],
        "faq": [{"question": "Q?", "answer": "A."}],
        "technologies": [{"slug": "django", "name": "Django"}],
        "call_to_action": {"label": "Go", "url": "/contact"},
    }
    empty = dict.fromkeys(("tagline", "cover", "og_image", "delivery_weeks", "features", "faq", "technologies")) | {
        "call_to_action": None,
        "canonical_url": None,
        "seo_title": None,
        "price": None,
        "price_kind": "on_request",
    }
    emptied = {
        "tagline": "",
        "cover": None,
        "delivery_weeks": None,
        "features": [],
        "faq": [],
        "technologies": [],
        "call_to_action": None,
        "price": None,
        "seo": {"title": "Workshop", "image": None},
    }
    return "services", body, shown, {}, empty, emptied


def project():
    picture, other = factories.asset(), factories.asset("Other")
    factories.technology()
    factories.live("service")
    factories.live("testimonial")
    body = {
        **SHARED,
        "title": "Portal",
        "client_name": "Acme",
        "client_consent_at": "2025-01-02T03:04:05Z",
        "disclosure": "public",
        "summary": "What it was.",
        "challenge": "<p>Hard.</p>",
        "approach": "<p>Slow.</p>",
        "outcome": "<p>Good.</p>",
        "metrics": [{"label": "Speed", "value": "2", "unit": "x", "before": "1", "after": "2"}],
        "gallery": [{"media": str(other.pk), "caption": "First"}, {"media": str(picture.pk)}],
        "services": ["service-1"],
        "technologies": ["django"],
        "role": "All of it",
        "started_on": "2024-01-01",
        "ended_on": "2024-06-30",
        "site_url": "https://acme.example",
        "repository_url": "https://git.example/acme",
        "testimonial": "person-1",
    }
    shown = {
        **SHOWN,
        "title": "Portal",
        "client": {"name": "Acme"},
        "summary": "What it was.",
        "challenge": {"text": "Hard."},
        "approach": {"text": "Slow."},
        "outcome": {"text": "Good."},
        "metrics": body["metrics"],
        "cover": {"alt": "Other"},
        "services": [{"slug": "service-1", "title": "Service 1"}],
        "technologies": [{"slug": "django", "name": "Django"}],
        "testimonial": {"slug": "person-1", "title": "Person 1"},
        **{key: body[key] for key in ("role", "started_on", "ended_on", "site_url", "repository_url")},
    }
    staff = {"client_name": "Acme", "client_consent_at": "2025-01-02T03:04:05Z", "disclosure": "public"}
    empty = dict.fromkeys(("testimonial", "services", "gallery", "metrics", "ended_on", "started_on", "site_url"))
    emptied = {
        "testimonial": None,
        "services": [],
        "gallery": [],
        "cover": None,
        "metrics": [],
        "ended_on": None,
        "started_on": None,
        "site_url": "",
    }
    return "projects", body, shown, staff, empty, emptied


def post():
    picture = factories.asset()
    factories.author("Ben")
    factories.author("Ana", avatar=picture)
    factories.tag("Delivery")
    factories.tag("Culture")
    factories.category()
    factories.live("post", 8)
    factories.live("post", 9)
    body = {
        **SHARED,
        "title": "Fridays",
        "excerpt": "What it says.",
        "body": "<p>Some words here.</p>",
        "cover": str(picture.pk),
        "authors": ["ben", "ana"],
        "category": "practice",
        "tags": ["delivery", "culture"],
        "pinned": True,
        "related": ["post-9", "post-8"],
    }
    shown = {
        **SHOWN,
        "title": "Fridays",
        "excerpt": "What it says.",
        "body": {"text": "Some words here."},
        "words": 3,
        "reading_minutes": 1,
        "cover": {"alt": "A grey rectangle"},
        "category": {"slug": "practice", "name": "Practice"},
        "tags": [{"slug": "culture", "name": "Culture"}, {"slug": "delivery", "name": "Delivery"}],
        "pinned": True,
        "related": [{"slug": "post-9", "title": "Post 9"}, {"slug": "post-8", "title": "Post 8"}],
    }
    empty = dict.fromkeys(("cover", "authors", "category", "tags", "related"))
    emptied = {"cover": None, "authors": [], "category": None, "tags": [], "related": []}
    return "blogs", body, shown, {}, empty, emptied


def praise():
    picture = factories.asset()
    factories.live("project")
    body = {
        **SHARED,
        "person": "Brian",
        "quote": "They were good.\nVery.",
        "role": "CTO",
        "company": "Acme",
        "avatar": str(picture.pk),
        "rating": 5,
        "project": "project-1",
        "source_url": "https://acme.example/said",
        "consent_at": "2025-01-02T03:04:05Z",
        "verified": True,
    }
    plain = ("person", "quote", "role", "company", "rating", "source_url", "verified")
    shown = {
        **SHOWN,
        "title": "Brian",
        "avatar": {"alt": "A grey rectangle"},
        "project": {"slug": "project-1", "title": "Project 1"},
        **{key: body[key] for key in plain},
    }
    empty = dict.fromkeys(("avatar", "rating", "project", "role", "source_url"))
    emptied = {"avatar": None, "rating": None, "project": None, "role": "", "source_url": ""}
    return "testimonials", body, shown, {"consent_at": "2025-01-02T03:04:05Z"}, empty, emptied


@pytest.mark.parametrize("kind", [service, project, post, praise], ids=lambda kind: kind.__name__)
def test_every_key_round_trips(editor, api, kind):
    path, body, shown, staff, empty, emptied = kind()

    made = editor.post(f"/api/{path}", body)
    assert made.status_code == 201, made.json()
    address = f"/api/{path}/chosen-slug"
    assert made["Location"].endswith(address)
    assert made["ETag"] == '"v1"'
    assert api.get(address).status_code == 404

    draft = editor.get(f"{address}?view=draft").json()
    assert draft == made.json()
    holds(draft, {**shown, **staff, "state": "draft", "lock_version": 1, "live_revision": None, "latest_revision": 1})

    published = editor.post(f"{address}/publish")
    assert published.status_code == 200, published.json()
    public = api.get(address).json()
    holds(public, shown)
    assert not set(staff) & set(public)
    holds(published.json(), {**shown, **staff, "state": "live", "lock_version": 2, "live_revision": 2})

    patched = editor.patch(address, empty, headers=etag(2))
    assert patched.status_code == 200, patched.json()
    holds(patched.json(), emptied)
    holds(api.get(address).json(), shown)
    assert editor.post(f"{address}/publish").status_code == 200
    holds(api.get(address).json(), emptied)


def test_settings_round_trip_by_members(editor, api):
    picture = factories.asset()
    first = editor.get("/api/settings?view=draft")
    assert (first.status_code, first["ETag"], first.json()["lock_version"]) == (200, '"v0"', 0)
    body = {
        "identity": {
            "name": "The Studio",
            "legal_name": "The Studio Ltd",
            "tagline": "With care",
            "logo": str(picture.pk),
        },
        "contact": {"email": "a@example.com", "phone": "+1", "address": "Here", "map_url": "https://map.example"},
        "opening_hours": [{"weekday": 1, "opens": "09:00", "closes": "17:00"}],
        "social": [{"network": "github", "url": "https://git.example"}],
        "navigation": {"header": [{"label": "Work", "url": "/projects"}], "footer": []},
        "seo": {"title_template": "%s · The Studio", "description": "D", "image": str(picture.pk)},
        "analytics": {"cookieless": False, "do_not_track": False},
        "legal": {"privacy_url": "/p", "terms_url": "/t", "imprint": "I"},
        "announcement": {"text": "Hello", "url": "/x", "starts_at": "2026-01-01T00:00:00Z", "ends_at": None},
    }

    made = editor.patch("/api/settings", body, headers=etag(0))
    assert (made.status_code, made["ETag"]) == (200, '"v1"'), made.json()
    shown = made.json()
    assert shown["identity"].pop("logo")["id"] == str(picture.pk)
    assert shown["seo"].pop("image")["id"] == str(picture.pk)
    wanted = {**body, "identity": {**body["identity"]}, "seo": {**body["seo"]}}
    del wanted["identity"]["logo"], wanted["seo"]["image"]
    holds(shown, wanted)
    assert api.get("/api/settings").json()["identity"]["name"] != "The Studio"

    change = {"contact": {"email": None}, "announcement": None, "identity": {"logo": None}}
    changed = editor.patch("/api/settings", change, headers=etag(1)).json()
    assert changed["contact"] == {**body["contact"], "email": None}
    assert (changed["announcement"], changed["identity"]["logo"]) == (None, None)
    assert changed["identity"]["legal_name"] == "The Studio Ltd"

    assert editor.post("/api/settings/publish").status_code == 200
    assert api.get("/api/settings").json()["identity"]["name"] == "The Studio"
    assert editor.post("/api/settings/revisions/1/restore").json()["announcement"]["text"] == "Hello"
    assert len(editor.get("/api/settings/revisions").json()["data"]) == 4
    version = editor.get("/api/settings/revisions/1").json()
    assert (version["number"], version["content"]["identity"]["name"]) == (1, "The Studio")


FAULTS = [
    ("services", {"title": "T", "price": {"amount": 1}}, "#/price/currency", "required"),
    ("services", {"title": "T", "price": {"amount": "1", "currency": "KES"}}, "#/price/amount", "invalid"),
    ("services", {"title": "T", "price": {"amount": -1, "currency": "KES"}}, "#/price/amount", "min_value"),
    ("services", {"title": "T", "price": {"amount": 1, "currency": "K1!"}}, "#/price/currency", "invalid"),
    ("services", {"title": "T", "price": {"amount": 1, "currency": "KES", "x": 1}}, "#/price/x", "unknown_field"),
    ("services", {"title": "T", "price": {"amount": 10**12 + 1, "currency": "KES"}}, "#/price/amount", "max_value"),
    ("services", {"title": "T", "technologies": ["django"] * 51}, "#/technologies", "max_length"),
    ("services", {"title": "T", "delivery_weeks": {"min": 4, "max": 2}}, "#/delivery_weeks/max", "invalid"),
    ("services", {"title": "T", "features": [{"title": "A"}, {"text": "B"}]}, "#/features/1/title", "required"),
    ("services", {"title": "T", "features": [{"title": "A", "x": 1}]}, "#/features/0/x", "unknown_field"),
    ("services", {"title": "T", "features": {}}, "#/features", "not_a_list"),
    ("services", {"title": "T", "icon": "skull"}, "#/icon", "invalid_choice"),
    ("services", {"title": "T", "icon": None}, "#/icon", "null"),
    ("services", {"title": "T", "technologies": ["django", "none"]}, "#/technologies/1", "unknown"),
    ("services", {"title": "T", "technologies": "django"}, "#/technologies", "not_a_list"),
    ("services", {"title": "T", "technologies": [1]}, "#/technologies/0", "invalid"),
    ("services", {"title": "T", "cover": "0193a000-0000-7000-8000-000000000000"}, "#/cover", "unknown"),
    ("services", {"title": "T", "cover": 5}, "#/cover", "invalid"),
    (
        "services",
        {"title": "T", "call_to_action": {"label": "L", "url": "javascript:x"}},
        "#/call_to_action/url",
        "invalid",
    ),
    ("services", {"title": "T", "slug": "No Slug"}, "#/slug", "invalid"),
    ("services", {"title": "T", "slug": "admin"}, "#/slug", "reserved"),
    ("services", {"title": "T", "slug": "a/b"}, "#/slug", "invalid"),
    ("services", {"title": "T", "slug": "é"}, "#/slug", "invalid"),
    ("services", {"title": "T", "slug": "a" * 201}, "#/slug", "max_length"),
    ("services", {"title": "T", "position": -1}, "#/position", "min_value"),
    ("services", {"title": "T", "position": True}, "#/position", "invalid"),
    ("services", {"title": "T", "featured": "true"}, "#/featured", "invalid"),
    ("services", {"title": None}, "#/title", "null"),
    ("services", {"title": " "}, "#/title", "blank"),
    ("services", {"title": "T", "booking": None}, "#/booking", "unknown_field"),
    ("services", {"title": "T", "canonical_url": "/path"}, "#/canonical_url", "invalid"),
    ("services", [], "#", "invalid"),
    (
        "projects",
        {"title": "T", "gallery": [{"media": "0193a000-0000-7000-8000-000000000000"}]},
        "#/gallery/0/media",
        "unknown",
    ),
    ("projects", {"title": "T", "started_on": "2024-02-30"}, "#/started_on", "invalid"),
    ("projects", {"title": "T", "started_on": 5}, "#/started_on", "invalid"),
    ("projects", {"title": "T", "ended_on": "2024-01-01"}, "#/ended_on", "invalid"),
    ("projects", {"title": "T", "client_consent_at": "2024-01-01T00:00:00"}, "#/client_consent_at", "no_zone"),
    ("projects", {"title": "T", "testimonial": "none"}, "#/testimonial", "unknown"),
    ("blogs", {"title": "T", "body": 5}, "#/body", "invalid"),
    ("blogs", {"title": "T", "body": "x" * 200_001}, "#/body", "max_length"),
    ("blogs", {"title": "T", "excerpt": "x" * 301}, "#/excerpt", "max_length"),
    ("testimonials", {"person": "P", "rating": 6}, "#/rating", "max_value"),
    ("testimonials", {"person": "P", "title": "T"}, "#/title", "unknown_field"),
]


@pytest.mark.parametrize(("path", "body", "pointer", "code"), FAULTS)
def test_a_fault_points_at_the_key(editor, path, body, pointer, code):
    factories.technology()
    answer = editor.post(f"/api/{path}", body)

    assert (answer.status_code, answer.json()["code"]) == (400, "validation_error")
    assert [(one["pointer"], one["code"]) for one in answer.json()["errors"]] == [(pointer, code)]
    assert (Revision.objects.count(), SlugClaim.objects.count()) == (0, 0)


def test_an_unknown_field_names_those_that_are_allowed(editor):
    (fault,) = editor.post("/api/testimonials", {"person": "P", "colour": 1}).json()["errors"]
    assert fault == {
        "pointer": "#/colour",
        "code": "unknown_field",
        "detail": "Allowed: avatar, canonical_url, company, consent_at, featured, noindex, og_image, person, position, "
        "project, quote, rating, role, seo_description, seo_title, slug, source_url, verified.",
    }


def test_bodies_are_read_strictly_and_up_to_a_mebibyte(editor):
    twice = editor.generic("POST", "/api/blogs", '{"title": "A", "title": "B"}', content_type="application/json")
    assert (twice.status_code, twice.json()["code"]) == (400, "malformed_json")
    form = editor.generic("POST", "/api/blogs", "title=A", content_type="application/x-www-form-urlencoded")
    assert (form.status_code, form.json()["code"]) == (415, "unsupported_media_type")
    large = editor.post("/api/blogs", {"title": "T", "body": "x" * 1024 * 1024})
    assert (large.status_code, large.json()["code"]) == (413, "payload_too_large")
    assert Post.objects.count() == 0


def test_what_is_missing_is_named_by_the_keys_of_the_api(editor):
    editor.post("/api/services", {"title": "T", "slug": "t", "price_kind": "fixed"})
    answer = editor.post("/api/services/t/publish")
    assert (answer.status_code, answer.json()["code"]) == (422, "not_publishable")
    assert [one["pointer"] for one in answer.json()["errors"]] == ["#/summary", "#/price"]

    wordless = factories.asset("")
    editor.patch("/api/settings", {"identity": {"name": "S", "logo": str(wordless.pk)}}, headers=etag(0))
    answer = editor.post("/api/settings/publish")
    assert [one["pointer"] for one in answer.json()["errors"]] == ["#/identity/logo"]


def test_a_taken_slug_and_a_stale_version_change_nothing(editor):
    factories.live("post", 1)
    item = factories.edit(factories.live("post", 2), slug="second")
    for slug in ("post-1", "post-2", "second"):
        answer = editor.post("/api/blogs", {"title": "T", "slug": slug})
        assert (answer.status_code, answer.json()["code"]) == (409, "slug_taken")
        assert [one["pointer"] for one in answer.json()["errors"]] == ["#/slug"]
    stale = editor.patch("/api/blogs/second", {"title": "T"}, headers=etag(item.lock_version - 1))
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert (Post.objects.count(), Post.objects.get(pk=item.pk).lock_version) == (2, item.lock_version)


def test_a_conflict_says_where_the_item_stands(editor):
    factories.draft()
    answer = editor.post("/api/blogs/post-1/unpublish").json()
    assert (answer["state"], answer["allowed"]) == ("draft", ["submit", "schedule", "publish", "trash"])


def test_a_post_is_not_related_to_itself(editor):
    factories.draft()
    answer = editor.patch("/api/blogs/post-1", {"related": ["post-1"]}, headers=etag(1))
    assert [one["pointer"] for one in answer.json()["errors"]] == ["#/related/0"]


@pytest.mark.parametrize("path", ["blogs", "services", "projects"])
def test_hostile_html_is_clean_by_create_and_by_patch(editor, api, path):
    body = {"blogs": "body", "services": "body", "projects": "outcome"}[path]
    words = {"blogs": {"excerpt": "E"}, "services": {"summary": "S"}, "projects": {"summary": "S"}}[path]
    made = editor.post(f"/api/{path}", {"title": "T", "slug": "t", body: HOSTILE, **words})
    clean = made.json()[body]["html"]
    assert "Words" in clean
    assert not any(bad in clean for bad in ("script", "onclick", "onerror", "javascript", "iframe"))
    editor.patch(f"/api/{path}/t", {body: "<p>Other.</p>"}, headers=etag(1))
    again = editor.patch(f"/api/{path}/t", {body: HOSTILE}, headers=etag(2))
    assert again.json()[body]["html"] == clean
    editor.post(f"/api/{path}/t/publish")
    assert api.get(f"/api/{path}/t").json()[body]["html"] == clean


def test_authors_bios_are_clean_too(editor, api):
    made = editor.post("/api/authors", {"name": "Ana", "bio": HOSTILE})
    assert made.status_code == 201, made.json()
    assert "script" not in api.get("/api/authors/ana").json()["bio"]["html"]


def test_the_same_patch_twice_writes_one_version(editor):
    factories.draft()
    first = editor.patch("/api/blogs/post-1", {"excerpt": "Other."}, headers=etag(1))
    again = editor.patch("/api/blogs/post-1", {"excerpt": "Other."}, headers=etag(2))
    assert (first["ETag"], again["ETag"], Revision.objects.count()) == ('"v2"', '"v2"', 2)


def test_the_first_change_of_the_settings_begins_with_the_studios_name(editor, settings):
    made = editor.patch("/api/settings", {"contact": {"email": "a@example.com"}}, headers=etag(0))
    assert (made.status_code, made.json()["identity"]["name"]) == (200, settings.STUDIO_NAME)
    assert made.json()["contact"]["email"] == "a@example.com"


@pytest.mark.parametrize(
    ("method", "address"),
    [
        ("post", "/api/blogs"),
        ("patch", "/api/blogs/{id}"),
        ("delete", "/api/blogs/{id}"),
        ("post", "/api/blogs/{id}/submit"),
        ("post", "/api/blogs/{id}/schedule"),
        ("post", "/api/blogs/{id}/revisions/1/restore"),
        ("post", "/api/blogs/{id}/preview-links"),
        ("delete", "/api/blogs/{id}/preview-links/{id}"),
        ("patch", "/api/settings"),
        ("post", "/api/settings/publish"),
        ("post", "/api/tags"),
        ("patch", "/api/tags/delivery"),
        ("delete", "/api/tags/delivery"),
        ("post", "/api/authors"),
    ],
)
def test_what_writes_takes_no_parameters(editor, method, address):
    item, tag = factories.draft(), factories.tag()
    asked = getattr(editor, method)(address.format(id=item.pk) + "?force=1", {}, headers=etag(1))

    assert (asked.status_code, asked.json()["code"]) == (400, "validation_error")
    assert asked.json()["errors"] == [{"parameter": "force", "code": "unknown_parameter", "detail": "Allowed: none."}]
    item.refresh_from_db()
    tag.refresh_from_db()
    assert (item.lock_version, item.state, item.deleted_at, tag.name) == (1, "draft", None, "Delivery")
    assert (Post.objects.count(), Revision.objects.count()) == (1, 1)
