"""Browsers report violations of the Content-Security-Policy here; they are counted, never stored."""

import json
import logging
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.urls import Resolver404, resolve
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from prometheus_client import Counter

from common import limits
from common.client_ip import caller
from common.errors import RateLimited

logger = logging.getLogger(__name__)
VIOLATIONS = Counter("csp_violations_total", "Reported Content-Security-Policy violations", ["directive", "page"])
TYPES = {"application/csp-report", "application/reports+json", "application/json"}
MOST_REPORTS = 20
# fmt: off
DIRECTIVES = frozenset({
    "base-uri", "child-src", "connect-src", "default-src", "font-src", "form-action", "frame-ancestors", "frame-src",
    "img-src", "manifest-src", "media-src", "object-src", "script-src", "script-src-attr", "script-src-elem",
    "style-src", "style-src-attr", "style-src-elem", "worker-src",
})
# fmt: on
OTHER = "other"


@csrf_exempt
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """204 whatever is sent; beyond the limit nothing is counted."""
    done = HttpResponse(status=204)
    try:
        limits.hit("CSP_REPORT", key=caller())
    except RateLimited:
        return done
    for directive, page in _violations(request):
        VIOLATIONS.labels(directive, page).inc()
        logger.warning("csp_violation", extra={"directive": directive, "page": page})
    return done


def _violations(request: HttpRequest) -> list[tuple[str, str]]:
    """Directive and page path of each report; empty for anything malformed."""
    if request.content_type not in TYPES:
        return []
    try:
        sent = json.loads(request.body)
    except (ValueError, RecursionError):
        return []
    reports = (sent if isinstance(sent, list) else [sent])[:MOST_REPORTS]
    return [_violation(report) for report in reports if isinstance(report, dict)]


def _violation(report: dict[str, Any]) -> tuple[str, str]:
    found = report.get("csp-report") or report.get("body") or {}
    found = found if isinstance(found, dict) else {}
    directive = found.get("effective-directive") or found.get("effectiveDirective") or found.get("violated-directive")
    name = str(directive or "").split(" ")[0]
    page = str(found.get("document-uri") or found.get("documentURL") or "")
    return name if name in DIRECTIVES else OTHER, _route(page)


def _route(address: str) -> str:
    """The route of the reported page: a label is kept for good, so whoever reports must not be able to invent one."""
    try:
        return resolve(urlsplit(address).path).route
    except (ValueError, Resolver404):
        return OTHER
