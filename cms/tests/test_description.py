"""The OpenAPI description tells the truth about content."""

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from jsonschema import Draft202012Validator

from accounts.tests import factories as accounts
from cms import registry
from cms.tests import factories

OPERATIONS = {
    "/api/services": "listServices",
    "/api/services/{slug}": "getService",
    "/api/projects": "listProjects",
    "/api/projects/{slug}": "getProject",
    "/api/blogs": "listPosts",
    "/api/blogs/{slug}": "getPost",
    "/api/testimonials": "listTestimonials",
    "/api/testimonials/{slug}": "getTestimonial",
    "/api/settings": "getSettings",
    "/api/tags": "listTags",
    "/api/categories": "listCategories",
    "/api/technologies": "listTechnologies",
    "/api/authors": "listAuthors",
    "/api/authors/{slug}": "getAuthor",
    "/api/redirects": "getRedirect",
}


@pytest.fixture(scope="module")
def description():
    GENERATOR_STATS.reset()
    with GENERATOR_STATS.silence():
        found = SchemaGenerator().get_schema(request=None, public=True)
    messages = [text for kind in ("_warn_cache", "_error_cache") for text in getattr(GENERATOR_STATS, kind)]
    assert [text for text in messages if "cms" in text] == []
    return found


def test_every_address_has_its_operation(description):
    found = {path: item["get"]["operationId"] for path, item in description["paths"].items() if path in OPERATIONS}
    assert found == OPERATIONS


def test_parameters_are_those_that_the_list_takes(description):
    parameters = description["paths"]["/api/testimonials"]["get"]["parameters"]
    assert {one["name"] for one in parameters} == {
        "page",
        "per_page",
        "sort",
        "fields",
        "include",
        "slug",
        "featured",
        "q",
        "project",
        "service",
        "rating",
        "view",
        "state",
        "trash",
    }


def test_problems_are_declared(description):
    answers = description["paths"]["/api/blogs/{slug}"]["get"]["responses"]
    assert set(answers) >= {"200", "301", "400", "404", "405", "406", "410"}


def check(description, path, answer):
    schema = description["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    whole = {**schema, "components": description["components"]}
    faults = [f"{list(fault.path)}: {fault.message}" for fault in Draft202012Validator(whole).iter_errors(answer)]
    assert faults == []


@pytest.mark.django_db
def test_real_answers_match_their_schema(api, description):
    picture = factories.asset()
    service = factories.live(
        "service",
        cover=picture,
        price_kind="from",
        price_amount=100,
        price_currency="KES",
        delivery_weeks_min=1,
        delivery_weeks_max=2,
        technologies=[factories.technology()],
        features=[{"title": "A", "text": ""}],
        faq=[{"question": "Q", "answer": "A"}],
        call_to_action_label="Go",
        call_to_action_url="/contact",
    )
    project = factories.live(
        "project",
        services=[service],
        gallery=[picture],
        disclosure="public",
        client_name="Acme",
        client_consent_at="2025-01-01T00:00:00Z",
        started_on="2025-01-01",
        metrics=[{"label": "a", "value": "1", "unit": "", "before": "", "after": ""}],
    )
    factories.live("testimonial", project=project, rating=4, avatar=picture)
    factories.live(
        "post",
        1,
        cover=picture,
        authors=[factories.author(avatar=picture)],
        tags=[factories.tag()],
        category=factories.category(),
    )
    for kind in factories.MODELS:
        factories.live(kind, 50)
    factories.site(
        logo=picture,
        announcement_text="Hello",
        opening_hours=[{"weekday": 1, "opens": "09:00", "closes": "17:00"}],
        social=[{"network": "github", "url": "https://x.example"}],
    )
    item = factories.live("post", 60, slug="old")
    factories.republish(item, slug="newer")

    concrete = {
        "/api/services/{slug}": "service-1",
        "/api/projects/{slug}": "project-1",
        "/api/blogs/{slug}": "post-1",
        "/api/testimonials/{slug}": "person-1",
        "/api/authors/{slug}": "wanjiru-kamau",
    }
    for path in OPERATIONS:
        address = path.replace("{slug}", concrete.get(path, ""))
        address += "?path=/blog/old" if path == "/api/redirects" else ""
        answer = api.get(address)
        assert answer.status_code == 200, address
        check(description, path, answer.json())


@pytest.mark.django_db
@pytest.mark.parametrize("kind", factories.MODELS)
def test_drafts_that_were_never_public_match_the_schema_too(description, kind):
    _, editor = accounts.staff("Editor")
    item = factories.draft(kind)
    path = f"/api/{registry.get(kind).path}"

    detail, page = editor.get(f"{path}/{item.pk}?view=draft"), editor.get(f"{path}?view=draft")
    assert (detail.status_code, page.status_code, page.json()["meta"]["total"]) == (200, 200, 1)
    assert (detail.json()["published_at"], detail.json()["first_published_at"]) == (None, None)
    check(description, f"{path}/{{slug}}", detail.json())
    check(description, path, page.json())
