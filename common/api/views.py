"""The base of every API view."""

from collections.abc import Iterable
from typing import Any

from django.http import HttpRequest
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from common.errors import NotAcceptable


class JsonOnly(BaseContentNegotiation):
    """Answers JSON unless the client excludes it."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser | None:
        """The JSON parser when the body is said to be JSON."""
        content_type = (request.content_type or "").partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == content_type), None)

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """The JSON renderer; 406 when the Accept header leaves no room for it."""
        accepted = request.META.get("HTTP_ACCEPT", "*/*").lower()
        ranges = {part.partition(";")[0].strip() for part in accepted.split(",")} or {"*/*"}
        if not ranges & {"*/*", "application/*", "application/json", "application/problem+json", ""}:
            raise NotAcceptable
        first = next(iter(renderers))
        return first, str(first.media_type)


class ApiView(APIView):
    """Strict JSON in and out; `no-store` unless the view says otherwise."""

    content_negotiation_class = JsonOnly
    http_method_names = ["get", "post", "put", "patch", "delete", "head", "options"]

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add what every answer of the API carries."""
        final = super().finalize_response(request, response, *args, **kwargs)
        if "Cache-Control" not in final:
            final["Cache-Control"] = "no-store"
        return final

    def check_permissions(self, request: Request) -> None:
        """Ask for the method's permission; which methods there are is no secret, it stands in the description."""
        if request.method != "OPTIONS":
            super().check_permissions(request)

    def options(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Response:
        """The allowed methods, without DRF's description of forms."""
        return Response(status=204, headers={"Allow": ", ".join(self.allowed_methods)})
