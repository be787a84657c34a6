"""What a preview link shows: a version of an item on the page where readers would find it, kept from everyone else."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from csp.constants import SELF
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from cms import reading, registry, snapshots
from cms.actions import previews
from cms.models import ContentItem, Publishable
from cms.snapshots import Snapshot
from common.csp import csp_replace
from common.errors import NotFound

PARAMETER = "preview"


@dataclass(frozen=True)
class Preview:
    """The version of an opened link: its number, what it holds, and its answer in the API's shape."""

    number: int
    token: str
    snapshot: Snapshot
    row: Mapping[str, Any]


def of_item(request: HttpRequest, type_name: str, slug: str = "") -> Preview | None:
    """The version that the request's link shows, or None without one.

    NotFound for a link that is bad, over or closed, and for one of an item that was never at `slug`. Such an opening
    does not count.
    """
    token = request.GET.get(PARAMETER)
    if token is None:
        return None
    kind = registry.get(type_name)
    with transaction.atomic():
        found, revision = previews.opened(token=token, kind_name=type_name)
        item = cast("ContentItem", found)
        snapshot = snapshots.of(type(item), revision)
        if slug and slug not in {snapshot["slug"], item.slug, item.draft_slug}:
            raise NotFound
    return Preview(revision.number, token, snapshot, reading.draft(kind, item, snapshot))


def of_settings(request: HttpRequest) -> Preview | None:
    """The same for the site's settings."""
    token = request.GET.get(PARAMETER)
    if token is None:
        return None
    one = registry.singleton("settings")
    found, revision = previews.opened(token=token, kind_name=one.name)
    item: Publishable = found
    snapshot = snapshots.of(type(item), revision)
    return Preview(revision.number, token, snapshot, reading.singleton_draft(one, item, snapshot))


def sealed(request: HttpRequest, answer: HttpResponse) -> HttpResponse:
    """The answer as only the link's holder may have it: stored nowhere, listed nowhere, its address told to nobody."""
    answer["Cache-Control"] = "private, no-store"
    answer["X-Robots-Tag"] = "noindex, nofollow"
    answer["Referrer-Policy"] = "no-referrer"
    answer["X-Frame-Options"] = "SAMEORIGIN"
    csp_replace({"frame-ancestors": [SELF]})(lambda _request: answer)(request)
    return answer
