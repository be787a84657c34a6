"""`/metrics`: Prometheus text for whoever holds METRICS_TOKEN, or for this machine itself when there is no token."""

import hmac

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from common import problems
from common.errors import NotFound

LOOPBACK = {"127.0.0.1", "::1"}


def metrics(request: HttpRequest) -> HttpResponse:
    """The counters of this process; 404 for everybody else, so that the address tells nothing."""
    if not _may_read(request):
        return problems.answer(NotFound(), request)
    return HttpResponse(generate_latest(), content_type=CONTENT_TYPE_LATEST, headers={"Cache-Control": "no-store"})


def _may_read(request: HttpRequest) -> bool:
    given = request.META.get("HTTP_AUTHORIZATION", "").removeprefix("Bearer ").encode()
    if settings.METRICS_TOKEN:
        return hmac.compare_digest(given, settings.METRICS_TOKEN.encode())
    return request.META.get("REMOTE_ADDR") in LOOPBACK and "HTTP_X_FORWARDED_FOR" not in request.META
