"""The admin under the strict policy: every page, then a post from empty form to the public site."""

import json
import time
import urllib.request

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import shoot
from e2e.studio import Studio

SEEN_WITHIN_SECONDS = 1.0


def links(page: Page) -> list[str]:
    """Every list and every add form that the start page leads to."""
    found = page.eval_on_selector_all(".sections a[href^='/admin/']", "all => all.map(one => one.getAttribute('href'))")
    return sorted(set(found))


def test_the_start_page_says_what_needs_you(admin: Page):
    expect(admin.get_by_role("heading", name="Needs you")).to_be_visible()
    for section in ("Content", "Library", "Bookings", "Money", "People", "Behind the scenes"):
        expect(admin.locator(".sections caption").get_by_text(section, exact=True)).to_be_visible()
    shoot(admin, "admin-start")


def test_every_list_and_form_is_silent(admin: Page):
    addresses = links(admin)
    assert len(addresses) > 15
    for address in addresses:
        answer = admin.goto(address)
        assert answer is not None
        assert answer.status == 200, address
        expect(admin.locator("h1").first).to_be_visible()
        shoot(admin, "admin" + address.removeprefix("/admin").replace("/", "-").rstrip("-"))


def test_the_first_row_of_every_list_opens_silently(admin: Page):
    for address in [one for one in links(admin) if not one.endswith("/add/")]:
        admin.goto(address)
        row = admin.locator("#result_list tbody th a").first
        if row.count():
            row.click()
            expect(admin.locator("h1").first).to_be_visible()
            shoot(admin, "admin" + address.removeprefix("/admin").replace("/", "-") + "row")


@pytest.mark.parametrize("width", [360, 768])
def test_the_admin_fits_a_phone(admin: Page, width: int):
    admin.set_viewport_size({"width": width, "height": 800})
    for address in ("/admin/", "/admin/cms/post/", "/admin/cms/post/add/"):
        admin.goto(address)
        assert admin.evaluate("document.documentElement.scrollWidth") <= width, f"{address} scrolls sideways"
        for field in admin.locator("#content input:visible, #content textarea:visible, #content select:visible").all():
            box = field.bounding_box()
            assert box is not None
            assert box["x"] + box["width"] <= width, f"{address}: {field.get_attribute('name')} leaves the screen"
        shoot(admin, f"admin{address.removeprefix('/admin').replace('/', '-')}{width}")


def test_dark_mode_of_the_admin(admin: Page):
    admin.emulate_media(color_scheme="dark")
    admin.goto("/admin/cms/post/")
    shoot(admin, "admin-posts-dark")


def test_a_post_goes_from_an_empty_form_to_the_site(admin: Page, studio: Studio):
    admin.goto("/admin/cms/post/add/")
    admin.get_by_label("Title", exact=False).first.fill("Written in Chromium")
    admin.get_by_label("Excerpt", exact=False).first.fill("A post that a browser test wrote.")
    admin.locator(".ProseMirror:visible").first.click()
    admin.keyboard.type("The first paragraph, typed into the editor.")
    shoot(admin, "admin-post-written")
    admin.get_by_role("button", name="Publish", exact=True).click()
    expect(admin.locator(".messagelist")).to_contain_text("Published")
    shoot(admin, "admin-post-published")
    deadline = time.monotonic() + SEEN_WITHIN_SECONDS
    slug = "written-in-chromium"
    while time.monotonic() < deadline and slug not in slugs(studio):
        time.sleep(0.05)
    assert slug in slugs(studio)
    admin.goto(f"/blog/{slug}")
    expect(admin.get_by_role("heading", level=1)).to_have_text("Written in Chromium")
    expect(admin.get_by_text("The first paragraph, typed into the editor.")).to_be_visible()
    admin.goto("/admin/audit/auditevent/")
    expect(admin.locator("#result_list")).to_contain_text("Written in Chromium")


def slugs(studio: Studio) -> list[str]:
    with urllib.request.urlopen(f"{studio.url}/api/blogs") as answer:
        return [row["slug"] for row in json.load(answer)["data"]]
