"""What all pages of the site share: how they are answered, and what stands at an address where nothing live is."""

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import render
from django.views.decorators.http import require_safe

from cms.pages.preview import sealed
from cms.selectors import Moved
from common import problems
from common.errors import DomainError

CACHE_CONTROL = "public, max-age=60"

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def public_page(view: View[P]) -> View[P]:
    """A view of GET and HEAD in which selectors may say that an item moved, is gone or never was: 301, 410, 404."""

    @wraps(view)
    def answered(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except Moved as moved:
            folder, _, _slug = request.path.rpartition("/")
            answer = HttpResponsePermanentRedirect(f"{folder}/{moved.slug}")
            answer["Cache-Control"] = CACHE_CONTROL
            return answer
        except DomainError as error:
            return problems.answer(error, request)

    return require_safe(answered)


def page(request: HttpRequest, template: str, context: Mapping[str, Any] | None = None) -> HttpResponse:
    """Render a page that is the same for everyone; beside a staff session it stays out of shared caches.

    With a `preview` in the context it is for the holder of the link alone.
    """
    shown = dict(context or {})
    seen = shown.get("preview")
    answer = render(request, f"pages/site/{template}.html", shown | {"noindex": True} if seen else shown)
    if seen:
        return sealed(request, answer)
    if settings.SESSION_COOKIE_NAME not in request.COOKIES:
        answer["Cache-Control"] = CACHE_CONTROL
    return answer


def of_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """What the frame shows of an item's own address and of its wish to stay out of search engines."""
    return {"canonical": item["links"]["canonical"], "noindex": item["seo"]["noindex"]}
