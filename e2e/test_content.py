"""A post's whole life in the admin: written, previewed, scheduled, live, edited, compared, taken back, published."""

import re
from datetime import datetime, timedelta

import pytest
from playwright.sync_api import Browser, Page, expect

from e2e.accessibility import grave
from e2e.conftest import Watch, shoot
from e2e.studio import Studio

WIDTHS = (360, 1280)
TITLE, BETTER = "A week without meetings", "A week with one meeting"
SLUG = "a-week-without-meetings"
DUE = "from django.db import connection; "
DUE += "connection.cursor().execute(\"update cms_post set publish_at = now() - interval '1 second' "
DUE += 'where publish_at is not null")'


def write(page: Page, title: str) -> str:
    """A draft with all that a post needs; returns the address of its form."""
    page.goto("/admin/cms/post/add/")
    page.get_by_label("Title:", exact=True).fill(title)
    page.get_by_label("Excerpt").fill("What happened when nobody met.")
    page.locator(".ProseMirror:visible").first.click()
    page.keyboard.type("The first paragraph.")
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator(".messagelist")).to_contain_text("The draft is saved")
    return page.url


def fits(page: Page, name: str) -> None:
    """The page at a phone's and at a desk's width: whole, without grave faults, and a picture is kept of each."""
    page.wait_for_load_state()
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, f"{name} scrolls sideways at {width}"
        shoot(page, f"content-{name}-{width}")
        assert grave(page) == [], f"{name} at {width}"


def test_the_life_of_a_post(admin: Page, browser: Browser, studio: Studio, watch: Watch):
    form = write(admin, TITLE)
    fits(admin, "form")
    preview(admin, browser, studio, watch)
    admin.goto(form)
    schedule(admin, studio, watch)
    edit_beside_the_live_version(admin, form)
    compare_and_go_back(admin, form)
    admin.goto(form)
    admin.get_by_role("button", name="Publish", exact=True).click()
    expect(admin.locator(".messagelist")).to_contain_text("Published")
    admin.goto(f"/blog/{SLUG}")
    expect(admin.get_by_role("heading", level=1)).to_have_text(TITLE)


def preview(page: Page, browser: Browser, studio: Studio, watch: Watch) -> None:
    """In a window of its own, for somebody without an account, until it is closed."""
    with page.expect_popup() as opened:
        page.get_by_role("button", name="Preview", exact=True).click()
    seen = opened.value
    expect(seen.get_by_role("heading", level=1)).to_have_text(TITLE)
    expect(seen.locator(".preview-banner")).to_contain_text("Preview of version")
    fits(seen, "preview")
    address = seen.url
    seen.close()
    stranger = browser.new_context().new_page()
    assert stranger.goto(f"{studio.url}/blog/{SLUG}").status == 404
    assert stranger.goto(address).status == 200
    page.get_by_role("link", name="Preview links").click()
    expect(page.locator(".versions tbody tr")).to_contain_text("twice")
    page.get_by_role("button", name="Make a link").click()
    expect(page.locator(".messagelist a")).to_have_attribute("href", re.compile(r"\?preview=pv_"))
    fits(page, "previews")
    for _ in range(2):
        page.get_by_role("button", name="Close").first.click()
        expect(page.locator(".messagelist")).to_contain_text("closed")
    assert stranger.goto(address).status == 404
    stranger.context.close()


def schedule(page: Page, studio: Studio, watch: Watch) -> None:
    """A passed time is refused, a later one is planned, and comes true by the job."""
    page.get_by_role("button", name="Schedule", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Schedule")
    field = page.get_by_label("Goes live")
    field.fill("2020-01-01T09:00")
    page.get_by_role("button", name="Schedule", exact=True).click()
    expect(page.locator(".errorlist")).to_be_visible()
    expect(field).to_have_value("2020-01-01T09:00")
    later = datetime.now().astimezone() + timedelta(days=2)
    field.fill(later.strftime("%Y-%m-%dT09:00"))
    expect(page.locator("output").first).to_contain_text("For you")
    fits(page, "schedule")
    page.get_by_role("button", name="Schedule", exact=True).click()
    expect(page.locator(".bar .chip")).to_contain_text(re.compile(r"Scheduled \w{3} \d+ \w{3} 09:00 EAT, in \d days?"))
    page.goto("/admin/cms/post/?stands=scheduled")
    expect(page.locator("#result_list .chip")).to_contain_text("Scheduled")
    fits(page, "list-scheduled")
    assert studio.manage("shell", "-c", DUE).returncode == 0
    watch.expected.append("404")
    for _ in range(100):
        if page.goto(f"/blog/{SLUG}").status == 200:
            break
        page.wait_for_timeout(500)
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)


def edit_beside_the_live_version(page: Page, form: str) -> None:
    """What is typed is saved by itself and stays out of sight."""
    page.goto(form)
    page.get_by_label("Title:", exact=True).fill(BETTER)
    expect(page.locator("#autosave-state")).to_contain_text("Draft saved", timeout=15_000)
    page.get_by_role("button", name="Save draft").click()
    expect(page.locator(".bar .chip")).to_have_text("Live · unpublished changes")
    fits(page, "form-live")
    page.goto(f"/blog/{SLUG}")
    expect(page.get_by_role("heading", level=1)).to_have_text(TITLE)


def compare_and_go_back(page: Page, form: str) -> None:
    """The newest beside the live one, then the live one again."""
    page.goto(form)
    page.get_by_role("link", name="History").click()
    page.wait_for_url("**/history/")
    fits(page, "history")
    page.get_by_role("button", name="Compare the two chosen").click()
    expect(page.locator(".side del").first).to_have_text(" without meetings")
    expect(page.locator(".side ins").first).to_have_text(" with one meeting")
    fits(page, "compare")
    page.get_by_role("link", name="Go back to version").click()
    page.wait_for_url("**/restore/")
    fits(page, "restore")
    page.get_by_role("button", name="Go back to this version").click()
    expect(page.get_by_label("Title:", exact=True)).to_have_value(TITLE)


def test_two_people_at_one_draft_lose_nothing(admin: Page, watch: Watch):
    form = write(admin, "Written by two")
    other = admin.context.new_page()
    other.goto(form)
    admin.goto(form)
    admin.get_by_label("Excerpt").fill("The words of the first.")
    admin.get_by_role("button", name="Save draft").click()
    expect(admin.locator(".messagelist")).to_be_visible()

    watch.expected.append("409")
    other.get_by_label("Title:", exact=True).fill("Written by both")
    expect(other.locator("#autosave-state")).to_contain_text("changed this meanwhile", timeout=15_000)
    fits(other, "autosave-stopped")
    other.get_by_role("button", name="Compare").click()
    expect(other.locator(".conflict h2")).to_contain_text("changed this while you were writing")
    expect(other.get_by_label("Title:", exact=True)).to_have_value("Written by both")
    fits(other, "conflict")
    expect(other.locator(".change", has_text="Excerpt").get_by_role("checkbox")).to_be_checked()
    other.get_by_role("button", name="Save draft").click()
    expect(other.get_by_label("Title:", exact=True)).to_have_value("Written by both")
    expect(other.get_by_label("Excerpt")).to_have_value("The words of the first.")


def test_without_a_network_nothing_typed_is_lost(admin: Page, watch: Watch):
    form = write(admin, "Written on a train")
    watch.expected.append("ERR_INTERNET_DISCONNECTED")
    admin.context.set_offline(True)
    admin.get_by_label("Excerpt").fill("In the tunnel.")
    admin.get_by_role("button", name="Save draft").click()
    expect(admin.locator("#autosave-state")).to_have_text("No connection: not saved yet")
    expect(admin.get_by_label("Excerpt")).to_have_value("In the tunnel.")
    admin.context.set_offline(False)
    admin.get_by_role("button", name="Save draft").click()
    expect(admin.locator(".messagelist")).to_contain_text("The draft is saved")
    admin.goto(form)
    expect(admin.get_by_label("Excerpt")).to_have_value("In the tunnel.")


def test_publishing_lists_what_is_missing(admin: Page):
    admin.goto("/admin/cms/post/add/")
    admin.get_by_label("Title:", exact=True).fill("Half a post")
    admin.get_by_role("button", name="Publish", exact=True).click()
    expect(admin.locator(".faults")).to_contain_text("An excerpt is needed.")
    expect(admin.locator(".faults")).to_contain_text("The text is empty.")
    expect(admin.get_by_label("Title:", exact=True)).to_have_value("Half a post")
    fits(admin, "missing")
    admin.locator(".faults a").first.click()
    assert admin.url.endswith("#id_excerpt_error")


def test_a_post_is_published_by_the_keyboard_alone(admin: Page):
    form = write(admin, "Typed and published")
    admin.goto(form)
    for _ in range(120):
        admin.keyboard.press("Tab")
        if admin.evaluate("document.activeElement?.name") == "_publish":
            break
    expect(admin.get_by_role("button", name="Publish", exact=True)).to_be_focused()
    admin.keyboard.press("Enter")
    expect(admin.locator(".messagelist")).to_contain_text("Published")
    admin.goto("/blog/typed-and-published")
    expect(admin.get_by_role("heading", level=1)).to_have_text("Typed and published")


@pytest.mark.parametrize("name", ["project", "service", "testimonial", "sitesettings", "slughistory"])
def test_the_pages_of_the_other_types_are_silent_and_fit(admin: Page, name: str):
    admin.goto(f"/admin/cms/{name}/")
    fits(admin, f"{name}-list")
    row = admin.locator("#result_list tbody th a").first
    if row.count():
        row.click()
        admin.wait_for_url("**/change/")
        fits(admin, f"{name}-form")
    for page in ("History", "Preview links"):
        link = admin.get_by_role("link", name=page, exact=True)
        if link.count():
            link.click()
            expect(admin.locator("h1")).to_have_text(page)
            fits(admin, f"{name}-{page.lower().replace(' ', '-')}")
            admin.go_back()
