"""The public site, on a phone, a tablet and a desktop."""

import json
import urllib.request

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import shoot
from e2e.studio import Studio

WIDTHS = {360: 780, 768: 1024, 1280: 900}
PAGES = ["/", "/services", "/projects", "/blog", "/testimonials", "/contact", "/privacy", "/terms"]
OWN_BYTES_LIMIT = 100_000


def read(studio: Studio, path: str) -> dict:
    with urllib.request.urlopen(f"{studio.url}{path}") as answer:
        return json.load(answer)


def addresses(studio: Studio) -> list[str]:
    """Every kind of page once: the lists, and the first item of each."""
    first = {
        page: read(studio, f"/api/{path}?per_page=1")["data"][0]["slug"]
        for page, path in {"services": "services", "projects": "projects", "blog": "blogs"}.items()
    }
    return PAGES + [f"/{page}/{slug}" for page, slug in first.items()]


@pytest.mark.parametrize("width", WIDTHS)
def test_every_page_is_whole_at_every_width(quiet: Page, studio: Studio, width: int):
    quiet.set_viewport_size({"width": width, "height": WIDTHS[width]})
    for address in addresses(studio):
        answer = quiet.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        expect(quiet.locator("h1")).to_have_count(1)
        assert quiet.evaluate("document.documentElement.scrollWidth") <= width, f"{address} scrolls sideways"
        shoot(quiet, f"site{address.replace('/', '-')}-{width}")


def test_dark_mode_is_a_design_of_its_own(quiet: Page):
    quiet.emulate_media(color_scheme="dark")
    quiet.goto("/")
    paper = quiet.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in paper.removeprefix("rgb(").removesuffix(")").split(",")) < 60
    shoot(quiet, "site-home-dark")


def test_a_page_weighs_little(quiet: Page, studio: Studio):
    sizes: list[int] = []
    quiet.on("response", lambda answer: sizes.append(len(answer.body())) if "/static/" in answer.url else None)
    quiet.goto("/", wait_until="networkidle")
    assert sizes
    assert sum(sizes) < OWN_BYTES_LIMIT


def test_the_keyboard_reaches_the_content_first(quiet: Page):
    quiet.goto("/")
    quiet.keyboard.press("Tab")
    expect(quiet.get_by_role("link", name="Skip to the content")).to_be_focused()


def test_an_unknown_page_says_so_in_words(quiet: Page, watch):
    watch.expected.append("404")
    answer = quiet.goto("/no-such-page")
    assert answer is not None
    assert answer.status == 404
    expect(quiet.locator("h1")).to_have_count(1)
    shoot(quiet, "site-404")


def test_the_api_documentation_draws_itself(quiet: Page):
    quiet.goto("/api/docs")
    expect(quiet.get_by_text("/api/auth/invites", exact=True).first).to_be_visible(timeout=20_000)
    shoot(quiet, "api-docs")
    wanted = quiet.get_by_text("/api/bookings", exact=True).first
    for _ in range(40):  # of so many operations only those in sight are drawn
        if wanted.is_visible():
            break
        quiet.mouse.wheel(0, 600)
        quiet.wait_for_timeout(200)
    expect(wanted).to_be_visible()
