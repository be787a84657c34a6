"""Swagger UI without a CDN, the pages of the problem types, and security.txt."""

from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from csp.constants import SELF
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.renderers import TemplateHTMLRenderer
from rest_framework.request import Request

from common.clock import db_now
from common.csp import csp_update
from common.errors import DomainError
from common.instants import instant

SECURITY_TXT_DAYS = 180


@method_decorator(csp_update({"style-src": [SELF], "img-src": [SELF, "data:"], "connect-src": [SELF]}), name="dispatch")
class ApiDocs(SpectacularSwaggerSplitView):
    """Swagger UI as a page and a script of its own, so that the strict policy holds."""

    renderer_classes = [TemplateHTMLRenderer]
    permission_classes: list[Any] = []
    authentication_classes: list[Any] = []
    url_name = "schema"
    template_name = "docs/swagger.html"

    def _get_schema_url(self, request: Request) -> str:
        return reverse("schema") + "?" + urlencode({"format": "json"})


def error_index(request: HttpRequest) -> HttpResponse:
    """Every problem type, by code."""
    known = sorted(DomainError.registry.values(), key=lambda error: error.code)
    return render(request, "docs/error_index.html", {"problems": known})


def error_page(request: HttpRequest, code: str) -> HttpResponse:
    """What a problem's `type` points to."""
    known = DomainError.registry.get(code)
    if known is None:
        raise Http404
    return render(request, "docs/error.html", {"problem": known})


def security_txt(request: HttpRequest) -> HttpResponse:
    """Where to report a weakness (RFC 9116)."""
    expires = instant(db_now() + timedelta(days=SECURITY_TXT_DAYS))
    lines = [
        f"Contact: mailto:{settings.EMAIL_FROM.replace('noreply@', 'security@')}",
        f"Expires: {expires}",
        "Preferred-Languages: en",
        f"Canonical: {settings.PUBLIC_URL}/.well-known/security.txt",
    ]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; charset=utf-8")
