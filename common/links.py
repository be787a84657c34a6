"""Absolute addresses: always from the configuration, never from the Host header."""

from urllib.parse import quote

from django.conf import settings

BUILT_IN_PATHS = {
    "accept": "/auth/invite/{token}",
    "reset": "/auth/reset/{token}",
    "booking": "/b/{token}",
}


def absolute(path: str) -> str:
    """`path` on this back end's own origin."""
    return f"{settings.PUBLIC_URL}{path}"


def page_url(key: str, **values: object) -> str:
    """The link of a mail or preview: on the separate front end when there is one, else to the built-in page.

    `key` is accept, reset, booking or preview; `values` fill the path's placeholders and are percent-encoded. Only
    content knows the built-in page of a preview, so that key wants a front end.
    """
    safe = {name: quote(str(value), safe="") for name, value in values.items()}
    if settings.FRONTEND_URL:
        return f"{settings.FRONTEND_URL}{settings.FRONTEND_PATHS[key].format(**safe)}"
    return absolute(BUILT_IN_PATHS[key].format(**safe))
