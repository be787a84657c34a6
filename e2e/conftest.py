"""One studio and one Chromium for the whole run; every page is watched for violations and console errors."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page

from e2e import studio as studios
from e2e.studio import CHECKOUT, Studio

SHOTS = CHECKOUT / "var" / "e2e"
SCROLL = "for (let y = 0; y < document.body.scrollHeight; y += 400) scrollTo(0, y); scrollTo(0, 0)"
WATCH = "addEventListener('securitypolicyviolation', e => console.error('CSP: ' + e.violatedDirective + e.blockedURI))"


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Debian's Chromium, which asks nobody outside."""
    arguments = ["--no-sandbox", "--disable-background-networking", "--disable-component-update", "--disable-sync"]
    return {
        **browser_type_launch_args,
        "executable_path": os.environ.get("CHROMIUM", "/usr/bin/chromium"),
        "args": arguments,
    }


@pytest.fixture(scope="session")
def studio() -> Iterator[Studio]:
    """A studio that was never started before."""
    folder = Path(tempfile.mkdtemp(prefix="studio-e2e-"))
    running = studios.start(folder)
    yield running
    running.stop()
    for log in (running.log, *(folder / "var" / "log").glob("*.log")):
        shutil.copy2(log, SHOTS / log.name)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def base_url(studio: Studio) -> str:
    """Where relative addresses lead."""
    return studio.url


@pytest.fixture(scope="session", autouse=True)
def _shots() -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)


class Watch:
    """What a page complained about; a test may expect some of it. `deaf` while a tool works in the page."""

    deaf: ClassVar[bool] = False

    def __init__(self) -> None:
        self.complaints: list[str] = []
        self.expected: list[str] = []

    def hear(self, message: ConsoleMessage) -> None:
        """Keep errors and warnings."""
        if message.type in {"error", "warning"} and not Watch.deaf:
            self.complaints.append(f"{message.type}: {message.text} ({message.location.get('url', '')})")

    def unexpected(self) -> list[str]:
        """What nobody said would come."""
        return [one for one in self.complaints if not any(part in one for part in self.expected)]


@pytest.fixture
def watch(context: BrowserContext) -> Iterator[Watch]:
    """Fails the test that used a page with a violation or a console error."""
    ears = Watch()
    context.add_init_script(WATCH)
    context.on("console", ears.hear)
    context.on("weberror", lambda error: ears.complaints.append(f"exception: {error.error}"))
    yield ears
    assert ears.unexpected() == []


@pytest.fixture
def quiet(watch: Watch, page: Page) -> Page:
    """A page that must stay silent."""
    return page


@pytest.fixture
def admin(quiet: Page, studio: Studio) -> Page:
    """A silent page, signed in to the admin as the Owner of `make run`."""
    quiet.goto("/admin/")
    quiet.get_by_label("E-mail").fill(studio.login["email"])
    quiet.get_by_label("Password").fill(studio.login["password"])
    quiet.get_by_role("button", name="Sign in").click()
    quiet.wait_for_url("**/admin/")
    return quiet


def shoot(page: Page, name: str) -> None:
    """Keep a picture of the whole page under `var/e2e/`."""
    page.evaluate(SCROLL)
    page.screenshot(path=SHOTS / f"{name}.png", full_page=True)
