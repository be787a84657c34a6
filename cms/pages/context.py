"""What every template may read."""

from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import SimpleLazyObject

from cms import selectors


def site(_request: HttpRequest) -> dict[str, Any]:
    """`site`: the published settings in the API's shape, read when a template first asks; the admin never does."""
    return {"site": SimpleLazyObject(_published)}


def _published() -> Mapping[str, Any]:
    """A site whose settings nobody has published yet still has a name."""
    found = selectors.site_settings()
    identity = found.get("identity") or {}
    return found if identity.get("name") else {**found, "identity": {**identity, "name": settings.STUDIO_NAME}}
