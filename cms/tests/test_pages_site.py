"""The public pages: what they say, what they leave out, and how they are built."""

from datetime import UTC, datetime
from html.parser import HTMLParser

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext

from cms import ports
from cms.actions import publishing
from cms.tests import factories as make

pytestmark = pytest.mark.django_db

CANARY = "Zebrafinch"


class Outline(HTMLParser):
    """What a test asks of a page: its headings, landmarks, ids, and whatever the security policy refuses."""

    def __init__(self, html):
        super().__init__()
        self.headings, self.landmarks, self.ids, self.refused, self.images = [], [], [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag in {"h1", "h2", "h3", "h4"}:
            self.headings.append(int(tag[1]))
        if tag in {"header", "main", "footer", "nav"}:
            self.landmarks.append(tag)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "img":
            self.images.append(attributes)
        inline = tag == "style" or (tag == "script" and "src" not in attributes)
        if inline or "style" in attributes or any(name.startswith("on") for name in attributes):
            self.refused.append((tag, attributes))


@pytest.fixture
def full_site():
    """One of everything, each public, and a draft of each that nobody may see."""
    asset = make.asset()
    make.site(
        tagline="Software, with care",
        email="hello@example.com",
        phone="+254 700 000 000",
        address="Wood Avenue\nNairobi",
        seo_title_template="%s · Example Studio",
        seo_description="A studio.",
        opening_hours=[{"weekday": 1, "opens": "09:00", "closes": "17:00"}],
        social=[{"network": "github", "url": "https://github.com/example"}],
        navigation_header=[{"label": "Work", "url": "/projects"}],
        navigation_footer=[{"label": "Blog", "url": "/blog"}],
        privacy_text="<p>We keep little.</p>",
        terms_text="<p>We agree in writing.</p>",
    )
    service = make.live(
        "service",
        title="Discovery workshop",
        cover=asset,
        price_kind="fixed",
        price_amount=4_500_000,
        price_currency="KES",
        delivery_weeks_min=2,
        delivery_weeks_max=4,
        body="<h2>How it goes</h2><p>Well.</p>",
        features=[{"title": "A sketch", "text": "That can be clicked."}],
        faq=[{"question": "Can we do it remotely?", "answer": "Yes, in two halves."}],
    )
    project = make.live(
        "project",
        title="Mornings without a queue",
        services=[service],
        challenge="<p>A long queue.</p>",
        gallery=[{"media": asset, "caption": ""}, {"media": asset, "caption": "The yard at six"}],
        metrics=[{"label": "Median wait", "value": "24", "unit": "minutes", "before": "2 h", "after": ""}],
    )
    testimonial = make.live("testimonial", person="Fatma Said", project=project, avatar=asset, rating=5)
    make.republish(project, testimonial=testimonial)
    tag = make.tag("Delivery")
    author = make.author()
    body = "<h2>Why</h2><p>Because.</p><h2>How</h2><p>Slowly.</p>"
    first = datetime(2026, 3, 1, 8, tzinfo=UTC)
    make.live(title="Shipping on Fridays", body=body, tags=[tag], authors=[author], cover=asset, now=first)
    make.live(number=2, title="Small commits", tags=[tag], now=datetime(2025, 3, 1, 8, tzinfo=UTC))
    for kind in ("service", "project", "post"):
        make.draft(kind, title=f"{CANARY} {kind}", slug=f"secret-{kind}")
    make.draft("testimonial", person=f"{CANARY} person", slug="secret-person")
    make.edit(service, title=f"{CANARY} of tomorrow", summary=CANARY)


PAGES = {
    "/": ["Software, with care", "Discovery workshop", "Mornings without a queue", "Fatma Said", "Small commits"],
    "/services": ["Services and what they cost", "KES 45,000", "2 to 4 weeks"],
    "/services/discovery-workshop": [
        "KES 45,000",
        "A sketch",
        "Can we do it remotely?",
        "Yes, in two halves.",
        "Mornings without a queue",
    ],
    "/projects": ["Mornings without a queue", "Client not named"],
    "/projects/mornings-without-a-queue": [
        "A long queue.",
        "Median wait",
        "before: 2 h",
        "The yard at six",
        "They were good.",
    ],
    "/testimonials": ["Fatma Said", "5 of 5 stars"],
    "/blog": ["Shipping on Fridays", "Small commits", "1 March 2026", "/blog/tags/delivery", "/blog/archive/2025"],
    "/blog/shipping-on-fridays": [
        "Because.",
        "Wanjiru Kamau",
        'href="#why"',
        'id="why"',
        "Small commits",
        "1 minute to read",
    ],
    "/blog/tags/delivery": ["Posts on Delivery", "Shipping on Fridays", "Small commits"],
    "/blog/archive/2025": ["Posts of 2025", "Small commits"],
    "/contact": ["hello@example.com", 'href="tel:+254700000000"', "Monday", "09:00–17:00", "Wood Avenue<br>Nairobi"],
    "/privacy": ["Privacy notice", "We keep little."],
    "/terms": ["Terms", "We agree in writing."],
}


@pytest.mark.usefixtures("full_site")
@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_what_is_public_and_nothing_else(client, path):
    answer = client.get(path)
    html = answer.content.decode()
    assert answer.status_code == 200
    assert [words for words in PAGES[path] if words not in html] == []
    assert CANARY not in html


@pytest.mark.usefixtures("full_site")
@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_well_built_and_needs_nothing_that_the_policy_refuses(client, path):
    outline = Outline(client.get(path).content.decode())
    assert outline.headings.count(1) == 1
    assert outline.headings[0] == 1
    steps = [after - before for before, after in zip(outline.headings, outline.headings[1:], strict=False)]
    assert max(steps, default=0) <= 1, "no level of heading is skipped"
    assert {"header", "nav", "main", "footer"} <= set(outline.landmarks)
    assert len(outline.ids) == len(set(outline.ids))
    assert outline.refused == []
    assert [image for image in outline.images if not {"alt", "src", "width", "height"} <= set(image)] == []


@pytest.mark.usefixtures("full_site")
@pytest.mark.parametrize("path", PAGES)
def test_a_page_may_be_cached_and_sets_no_cookie(client, path):
    answer = client.get(path)
    assert answer["Cache-Control"] == "public, max-age=60"
    assert not answer.cookies
    assert "Cookie" not in answer.get("Vary", "")


@pytest.mark.usefixtures("full_site")
@pytest.mark.parametrize("path", PAGES)
def test_a_page_costs_a_few_queries_whatever_it_shows(client, path):
    client.get(path)
    with CaptureQueriesContext(connection) as queries:
        client.get(path)
    assert len(queries) <= 6


def test_a_page_beside_a_staff_session_is_not_for_shared_caches(client, settings):
    client.cookies[settings.SESSION_COOKIE_NAME] = "someone"
    assert client.get("/services")["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize("path", [path for path in PAGES if path.count("/") == 1])
def test_an_empty_site_still_answers_in_words(client, path):
    answer = client.get(path)
    assert answer.status_code == 200
    assert Outline(answer.content.decode()).headings.count(1) == 1


@pytest.mark.parametrize("kind", ["service", "project", "post"])
def test_a_draft_is_a_page_that_never_was(client, kind):
    make.draft(kind, title=CANARY, slug="secret")
    folder = {"service": "services", "project": "projects", "post": "blog"}[kind]
    answer, unknown = client.get(f"/{folder}/secret"), client.get(f"/{folder}/nothing")
    assert (answer.status_code, unknown.status_code) == (404, 404)
    assert CANARY not in answer.content.decode()
    assert "We could not find that page" in answer.content.decode()


@pytest.mark.parametrize(("kind", "folder"), [("service", "services"), ("project", "projects"), ("post", "blog")])
def test_a_renamed_page_sends_on_and_one_that_was_taken_down_is_gone(client, kind, folder):
    item = make.live(kind, slug="old")
    item = make.republish(item, slug="newer")
    moved = client.get(f"/{folder}/old")
    assert (moved.status_code, moved["Location"]) == (301, f"/{folder}/newer")
    assert client.get(f"/{folder}/newer").status_code == 200
    publishing.unpublish(item=item, by=make.BY)
    gone = client.get(f"/{folder}/newer")
    assert gone.status_code == 410
    assert "That page is gone" in gone.content.decode()
    assert client.get(f"/{folder}/old").status_code == 410


@pytest.mark.parametrize(
    "path",
    [
        "/blog?page=0",
        "/blog?page=2",
        "/blog?page=x",
        "/blog?page=999999",
        f"/blog?page={'9' * 5000}",
        "/blog/archive/0",
        "/blog/archive/2001",
        "/blog/archive/99999",
        "/blog/tags/nothing",
    ],
)
def test_a_list_that_is_not_there_is_404(client, path):
    make.live()
    assert client.get(path).status_code == 404


def test_a_tag_that_only_a_draft_has_is_404_and_not_named(client):
    make.draft(tags=[make.tag(CANARY)])
    assert client.get(f"/blog/tags/{CANARY.lower()}").status_code == 404
    assert CANARY not in client.get("/blog").content.decode()


def test_the_blog_has_pages_with_pinned_posts_first(client):
    for number in range(1, 11):
        make.live(number=number, now=datetime(2026, 1, number, tzinfo=UTC), pinned=number == 1)
    first, second = client.get("/blog").content.decode(), client.get("/blog?page=2").content.decode()
    assert first.index("Post 1<") < first.index("Post 10<") < first.index("Post 4<")
    assert 'href="/blog?page=2"' in first
    assert "Post 3<" not in first
    assert ("Post 3<" in second, "Post 2<" in second, "Page 2 of 2" in second) == (True, True, True)
    assert '<link rel="canonical" href="http' in second
    assert '/blog?page=2">' in second


def test_the_head_is_for_search_engines_and_shared_links(client, settings):
    make.site(seo_title_template="%s · Example Studio")
    make.live(title='Fish & "chips"', seo_description="Short <words>", cover=make.asset(), noindex=True)
    html = " ".join(client.get("/blog/fish-chips").content.decode().split())
    assert "<title>Fish &amp; &quot;chips&quot; · Example Studio</title>" in html
    assert '<meta name="description" content="Short &lt;words&gt;">' in html
    assert f'<link rel="canonical" href="{settings.PUBLIC_URL}/blog/fish-chips">' in html
    assert f'<meta property="og:image" content="{settings.MEDIA_BASE_URL}/' in html
    assert '<meta name="robots" content="noindex">' in html


def test_the_host_header_has_no_say_in_addresses(client, settings):
    html = client.get("/services", headers={"host": "localhost"}).content.decode()
    assert f'<link rel="canonical" href="{settings.PUBLIC_URL}/services">' in html


@pytest.mark.parametrize(
    ("starts", "ends", "shown"),
    [(None, None, True), (2020, 2021, False), (2090, None, False), (2020, 2090, True)],
)
def test_an_announcement_is_shown_between_its_dates(client, starts, ends, shown):
    make.site(
        announcement_text="Closed on Friday",
        announcement_starts_at=datetime(starts, 1, 1, tzinfo=UTC) if starts else None,
        announcement_ends_at=datetime(ends, 1, 1, tzinfo=UTC) if ends else None,
    )
    assert ("Closed on Friday" in client.get("/").content.decode()) is shown


@pytest.fixture
def service_part():
    """What bookings would register, put back afterwards."""
    before = ports._service_part.serialize, ports._service_part.bookable
    yield ports.register_service_part
    ports._service_part.serialize, ports._service_part.bookable = before


@pytest.mark.parametrize(("mode", "words"), [("slot", " Book </a>"), ("request", " Ask for a date </a>")])
def test_a_service_that_can_be_booked_leads_to_the_booking_page(client, service_part, mode, words):
    part = {"mode": mode, "duration_minutes": 90, "price": {"amount": 100, "currency": "KES"}, "deposit_percent": 30}
    service_part(lambda ids: dict.fromkeys(ids, part), lambda queryset, wanted: queryset if wanted else queryset.none())
    make.live("service", slug="workshop")
    html = " ".join(client.get("/services/workshop").content.decode().split())
    assert [one for one in ('href="/services/workshop/book"', words, "1 h 30 min", "30 %") if one not in html] == []
    assert "Service 1" in client.get("/contact").content.decode()


def test_a_service_that_cannot_be_booked_leads_to_contact(client, service_part):
    service_part(lambda _ids: {}, lambda queryset, wanted: queryset.none() if wanted else queryset)
    make.live("service", slug="workshop")
    html = client.get("/services/workshop").content.decode()
    assert "/book" not in html
    assert 'href="/contact">Talk to us about it' in html


def test_only_get_and_head_are_answered(client):
    assert client.head("/services").status_code == 200
    assert client.post("/services").status_code == 405


@pytest.mark.parametrize("status", [400, 429, 500, 503])
def test_an_error_page_needs_neither_database_nor_context(status):
    with CaptureQueriesContext(connection) as queries:
        html = render_to_string(f"errors/{status}.html")
    assert len(queries) == 0
    assert Outline(html).headings == [1]
    assert Outline(html).refused == []
