"""What axe-core finds on a page; it runs in the page itself, from the package's own copy."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from e2e.conftest import Watch

GRAVE = {"serious", "critical"}


def grave(page: Page) -> list[str]:
    """Serious and critical faults, each with its rule and the places where it stands."""
    Watch.deaf = True  # axe tries inline styles, which the policy refuses
    try:
        found = Axe().run(page).response["violations"]
    finally:
        Watch.deaf = False
    return [
        f"{fault['id']} ({fault['impact']}): {[' '.join(map(str, node['target'])) for node in fault['nodes']]}"
        for fault in found
        if fault["impact"] in GRAVE
    ]
