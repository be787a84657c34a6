"""What axe-core finds on a page; it runs in the page itself, from the package's own copy."""

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

GRAVE = {"serious", "critical"}


def grave(page: Page) -> list[str]:
    """Serious and critical faults, each with its rule and the places where it stands."""
    found = Axe().run(page).response["violations"]
    return [
        f"{fault['id']} ({fault['impact']}): {[' '.join(map(str, node['target'])) for node in fault['nodes']]}"
        for fault in found
        if fault["impact"] in GRAVE
    ]
