"""Browsers report violations of the Content-Security-Policy here; they are counted, never stored."""

import json
import logging
from typing import Any
from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST
from prometheus_client import Counter

from common import limits
from common.client_ip import bucket, client_ip
from common.errors import RateLimited

logger = logging.getLogger(__name__)
VIOLATIONS = Counter("csp_violations_total", "Reported Content-Security-Policy violations", ["directive", "page"])
TYPES = {"application/csp-report", "application/reports+json", "application/json"}
LONGEST_LABEL = 80


@csrf_exempt
@require_POST
def csp_report(request: HttpRequest) -> HttpResponse:
    """204 whatever is sent; beyond the limit nothing is counted."""
    done = HttpResponse(status=204)
    try:
        limits.hit("CSP_REPORT", key=bucket(client_ip(request)))
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
    except ValueError:
        return []
    reports = sent if isinstance(sent, list) else [sent]
    return [_violation(report) for report in reports if isinstance(report, dict)]


def _violation(report: dict[str, Any]) -> tuple[str, str]:
    found = report.get("csp-report") or report.get("body") or {}
    found = found if isinstance(found, dict) else {}
    directive = found.get("effective-directive") or found.get("effectiveDirective") or found.get("violated-directive")
    page = found.get("document-uri") or found.get("documentURL") or ""
    path = "/".join(urlsplit(str(page)).path.split("/")[:3])
    return str(directive or "unknown").split(" ")[0][:LONGEST_LABEL], path[:LONGEST_LABEL]
