"""Problems (RFC 9457): the one place that turns an exception into an answer."""

import json
import logging
from typing import Any

from django.core import exceptions as django_errors
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from rest_framework import exceptions as drf_errors
from rest_framework.response import Response

from common import context, errors
from common.api.serializers import field_errors
from common.errors import DomainError
from common.ids import uuid7
from common.links import absolute

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
API_PREFIX = "/api/"
DATABASE_RETRY_SECONDS = 5
PAGES = {400, 403, 404, 410, 429, 500, 503}


def problem(error: DomainError, path: str) -> dict[str, Any]:
    """The members of the problem that `error` becomes."""
    body: dict[str, Any] = {
        "type": absolute(f"/docs/errors/{error.code}"),
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "instance": path,
        "request_id": context.current().request_id or str(uuid7()),
        **error.members,
    }
    if error.errors:
        body["errors"] = [fault.as_dict() for fault in error.errors]
    return body


def problem_response(error: DomainError, request: HttpRequest) -> HttpResponse:
    """The problem as a plain Django response, for views and middleware outside DRF."""
    body = json.dumps(problem(error, request.path), ensure_ascii=False).encode()
    headers = {"Cache-Control": "no-store", **error.headers}
    return HttpResponse(body, status=error.status, content_type=MEDIA_TYPE, headers=headers)


def exception_handler(fault: Exception, handler_context: dict[str, Any]) -> Response:
    """DRF's exception handler; what nobody foresaw is logged and becomes `internal_error`."""
    request = handler_context["request"]
    error = as_domain_error(fault)
    if isinstance(error, errors.InternalError):
        logger.error("unhandled_exception", exc_info=fault)
    response = Response(
        problem(error, request.path), status=error.status, content_type=MEDIA_TYPE, headers=error.headers
    )
    response["Cache-Control"] = "no-store"
    return response


def as_domain_error(fault: Exception) -> DomainError:
    """The refusal that stands for any exception."""
    if isinstance(fault, DomainError):
        return fault
    if isinstance(fault, OperationalError | InterfaceError):
        return errors.DatabaseUnavailable(retry_after=DATABASE_RETRY_SECONDS)
    if isinstance(fault, drf_errors.ValidationError):
        return errors.ValidationFailed(errors=field_errors(fault.detail))
    if isinstance(fault, drf_errors.MethodNotAllowed):
        return errors.MethodNotAllowed()
    for kinds, make in TRANSLATIONS:
        if isinstance(fault, kinds):
            return make()
    return errors.InternalError()


TRANSLATIONS: list[tuple[tuple[type[Exception], ...], type[DomainError]]] = [
    ((Http404, drf_errors.NotFound), errors.NotFound),
    ((drf_errors.NotAuthenticated, drf_errors.AuthenticationFailed), errors.NotAuthenticated),
    ((drf_errors.PermissionDenied, django_errors.PermissionDenied), errors.PermissionDenied),
    ((drf_errors.UnsupportedMediaType,), errors.UnsupportedMediaType),
    ((drf_errors.NotAcceptable,), errors.NotAcceptable),
    ((drf_errors.ParseError,), errors.MalformedJson),
    ((django_errors.RequestDataTooBig,), errors.PayloadTooLarge),
]


def answer(error: DomainError, request: HttpRequest) -> HttpResponse:
    """A problem under `/api/`, a page in words elsewhere."""
    if request.path.startswith(API_PREFIX):
        return problem_response(error, request)
    status = error.status if error.status in PAGES else 400
    page = render(request, f"errors/{status}.html", {"error": error}, status=error.status)
    for name, value in error.headers.items():
        page[name] = value
    return page


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler400."""
    return answer(errors.BadRequest(), request)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler403."""
    return answer(errors.PermissionDenied(), request)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Django's handler404."""
    return answer(errors.NotFound(), request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's handler500."""
    return answer(errors.InternalError(), request)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Django's CSRF_FAILURE_VIEW."""
    logger.warning("csrf_failed", extra={"reason": reason})
    return answer(errors.CsrfFailed(), request)
