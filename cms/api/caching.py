"""Headers of public answers: validators and lifetimes that hang on the content version."""

import hashlib
import json
from collections.abc import Sequence

from django.utils.http import http_date, parse_etags, quote_etag
from rest_framework.request import Request
from rest_framework.response import Response

from cms import selectors
from cms.selectors import Version

# Raised whenever the shape of an answer changes, so that no client keeps the old one for a 304.
SERIALIZER_VERSION = 1
CACHE_CONTROL = "public, max-age=60, s-maxage=60, stale-while-revalidate=60, stale-if-error=600"
REDIRECT_CACHE_CONTROL = "public, max-age=60"
VARY = "Accept, Accept-Encoding"


def etag(request: Request, version: Version) -> str:
    """Return the strong validator of this address at this content version."""
    parameters = sorted((name, value) for name, values in request.GET.lists() for value in values)
    text = json.dumps([SERIALIZER_VERSION, version.number, request.path, parameters])
    return quote_etag(hashlib.sha256(text.encode()).hexdigest()[:32])


def not_modified(request: Request, tags: Sequence[str]) -> Response | None:
    """Answer 304 when the client's copy is of this content version; costs one query, and none without If-None-Match."""
    given = request.META.get("HTTP_IF_NONE_MATCH")
    if given is None:
        return None
    version = selectors.content_version()
    if not matches(given, etag(request, version)):
        return None
    return with_headers(Response(status=304), request, version, tags)


def matches(given: str, current: str) -> bool:
    """Compare weakly (RFC 9110 §13.1.2)."""
    return any(one == "*" or one.removeprefix("W/") == current for one in parse_etags(given))


def with_headers(response: Response, request: Request, version: Version, tags: Sequence[str]) -> Response:
    """Add validators, lifetime and tags to a public answer."""
    keys = " ".join(tags)
    response["ETag"] = etag(request, version)
    response["Cache-Control"] = CACHE_CONTROL
    response["Vary"] = VARY
    response["Surrogate-Key"] = keys
    response["Cache-Tag"] = keys
    if version.since:
        response["Last-Modified"] = http_date(version.since.timestamp())
    return response
