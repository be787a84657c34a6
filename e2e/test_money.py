"""A visitor books and pays on a phone; lost and doubled webhooks change nothing in the end."""

import re
import time
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import Page, expect

from e2e.conftest import Watch, shoot
from e2e.studio import Studio

SERVICE = "discovery-workshop"
WEBHOOK_SECONDS = 20


def book(page: Page, name: str) -> str:
    """Book the first free time; the id of the booking, whose payment page is open."""
    page.set_viewport_size({"width": 360, "height": 780})
    page.goto(f"/services/{SERVICE}")
    page.get_by_role("link", name=re.compile("Book")).first.click()
    while not page.locator(".calendar__day.is-free").count():
        page.locator("a[rel=next]").click()
    page.locator(".calendar__day.is-free").last.click()
    page.locator("input[name=starts_at]").last.check(force=True)
    shoot(page, "book-time")
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name", exact=False).first.fill(name)
    page.get_by_label("E-mail").fill("brian@visitor.example")
    page.locator("input[name=consent]").check(force=True)
    shoot(page, "book-details")
    page.get_by_role("button", name=re.compile("Hold the time")).click()
    page.wait_for_url("**/pay/**")
    return page.url.rsplit("/", 1)[1]


def pay(page: Page, way: str) -> None:
    """Choose one of the twin's ways and press the button."""
    page.get_by_label(way, exact=True).check()
    shoot(page, f"pay-{way.lower().replace(' ', '-').replace(',', '')}")
    page.locator("#pay-button").click()


def status(page: Page, booking: str) -> str:
    page.goto(f"/bookings/{booking}")
    return page.locator(".status").inner_text()


def wait_for(page: Page, booking: str, wanted: str) -> None:
    deadline = time.monotonic() + WEBHOOK_SECONDS
    while (seen := status(page, booking)) != wanted:
        assert time.monotonic() < deadline, f"still {seen}"
        time.sleep(0.3)


def test_book_and_pay(quiet: Page, studio: Studio):
    booking = book(quiet, "Brian Mwangi")
    pay(quiet, "Pay")
    quiet.wait_for_url("**/pay/return**")
    wait_for(quiet, booking, "Confirmed")
    shoot(quiet, "booking-confirmed")
    quiet.goto(f"/pay/{booking}/receipt")
    expect(quiet.get_by_role("heading", level=1)).to_have_text("Receipt")
    shoot(quiet, "pay-receipt")
    mails = studio.mails("brian@visitor.example")
    assert len(mails) >= 2


def test_a_declined_card_then_a_good_one(quiet: Page, watch: Watch):
    watch.expected.append("402")
    booking = book(quiet, "Declined First")
    pay(quiet, "Decline")
    expect(quiet.locator("#pay-problem")).to_be_visible()
    shoot(quiet, "pay-declined")
    if quiet.locator("#pay-retry").is_visible():
        quiet.locator("#pay-retry").click()
    pay(quiet, "Pay")
    quiet.wait_for_url("**/pay/return**")
    wait_for(quiet, booking, "Confirmed")


@pytest.mark.parametrize("button", ["Complete", "Fail"])
def test_three_d_secure(quiet: Page, button: str):
    booking = book(quiet, f"Secure {button}")
    pay(quiet, "3-D Secure")
    quiet.get_by_role("dialog", name="3-D Secure").get_by_role("button", name=button).click()
    if button == "Fail":
        expect(quiet.locator("#pay-problem")).to_be_visible()
        assert status(quiet, booking) == "Held"
    else:
        quiet.wait_for_url("**/pay/return**")
        wait_for(quiet, booking, "Confirmed")


def test_a_webhook_that_comes_twice_counts_once(quiet: Page, studio: Studio):
    booking = book(quiet, "Paid Twice")
    before = len([mail for mail in studio.mails("brian@visitor.example") if "Receipt" in mail or "receipt" in mail])
    pay(quiet, "Pay, send the webhook twice")
    quiet.wait_for_url("**/pay/return**")
    wait_for(quiet, booking, "Confirmed")
    time.sleep(2)
    after = len([mail for mail in studio.mails("brian@visitor.example") if "Receipt" in mail or "receipt" in mail])
    assert after - before == 1


def test_a_lost_webhook_is_healed_by_reconcile(quiet: Page, studio: Studio):
    booking = book(quiet, "Lost Webhook")
    pay(quiet, "Pay, lose the webhook")
    quiet.wait_for_url("**/pay/return**")
    now = datetime.now(UTC)  # without --until the last minute is left to its webhooks
    window = ["--since", (now - timedelta(hours=1)).isoformat(), "--until", now.isoformat()]
    until_now = studio.manage("reconcile_stripe", *window)
    assert until_now.returncode == 0, until_now.stdout + until_now.stderr
    assert "repaired" in until_now.stdout
    wait_for(quiet, booking, "Confirmed")
    again = studio.manage("reconcile_stripe", *window, "--dry-run")
    assert again.returncode == 0, again.stdout + again.stderr
