"""CORS by two rules: public content is open to every origin without credentials, all else only to the listed origins.

django-cors-headers answers for the listed origins; this subclass adds the open rule.
"""

import re

from corsheaders.middleware import CorsMiddleware as ListedOrigins
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

OPEN_PATHS = re.compile(
    r"^/api/(?:authors(?:/[^/]+)?|settings|tags|categories|technologies"
    r"|redirects|changes|search|services/[^/]+/slots|schema|auth/jwks\.json)$|^/\.well-known/jwks\.json$"
)
OPEN_METHODS = {"GET", "HEAD"}


_lists: set[str] = set()


def open_list(path: str) -> None:
    """Let every origin read the list `/api/{path}` and the items below it."""
    _lists.add(path)


def _is_open_path(path: str) -> bool:
    _, _, below = path.partition("/api/")
    name, *items = below.split("/")
    return bool(OPEN_PATHS.match(path)) or (
        path == f"/api/{below}" and name in _lists and len(items) <= 1 and all(items)
    )


def is_open(request: HttpRequest) -> bool:
    """Whether any origin may read the answer: public content without a credential, or a preflight for that."""
    if not _is_open_path(request.path):
        return False
    if request.method == "OPTIONS" and "HTTP_ACCESS_CONTROL_REQUEST_METHOD" in request.META:
        wanted = request.META.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS", "").lower()
        asked = {name.strip() for name in wanted.split(",")}
        return request.META["HTTP_ACCESS_CONTROL_REQUEST_METHOD"] in OPEN_METHODS and "authorization" not in asked
    return request.method in OPEN_METHODS and "HTTP_AUTHORIZATION" not in request.META


class CorsMiddleware(ListedOrigins):
    """Adds the open rule to django-cors-headers, with the same lists of headers."""

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer preflights, and add the headers of whichever rule holds."""
        if is_open(request):
            return self._open(request)
        response = super().__call__(request)
        assert isinstance(response, HttpResponseBase)  # noqa: S101 - the sync branch of the parent
        if request.path.startswith("/api/"):
            patch_vary_headers(response, ["Origin"])
        return response

    def _open(self, request: HttpRequest) -> HttpResponseBase:
        if request.method == "OPTIONS":
            response: HttpResponseBase = HttpResponse(status=200, headers={"Content-Length": "0"})
            response["Access-Control-Allow-Methods"] = "GET, HEAD, OPTIONS"
            response["Access-Control-Allow-Headers"] = ", ".join(settings.CORS_ALLOW_HEADERS)
            response["Access-Control-Max-Age"] = str(settings.CORS_PREFLIGHT_MAX_AGE)
        else:
            response = self.get_response(request)  # type: ignore[assignment]  # sync only
        response["Access-Control-Allow-Origin"] = "*"
        response["Access-Control-Expose-Headers"] = ", ".join(settings.CORS_EXPOSE_HEADERS)
        return response
