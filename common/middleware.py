"""Small middleware, one concern each; their order is in `config/settings.py`."""

from collections.abc import Callable
from http import HTTPStatus

from django.conf import settings
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.http.response import HttpResponseBase
from django.utils.encoding import escape_uri_path, iri_to_uri

from common import context, problems
from common.client_ip import client_ip
from common.errors import DatabaseUnavailable, LengthRequired, PayloadTooLarge
from common.ids import uuid7

GetResponse = Callable[[HttpRequest], HttpResponse]
KIB = 1024
BODY_LIMITS = (
    ("/api/payments/webhook", 512 * KIB),
    ("/api/mail/webhooks/", 512 * KIB),
    ("/api/auth/", 16 * KIB),
    ("/auth/", 16 * KIB),
    ("/api/bookings", 16 * KIB),
    ("/api/payments", 16 * KIB),
    ("/api/uploads", 16 * KIB),
    ("/api/files", 16 * KIB),
    ("/api/csp-report", 16 * KIB),
    ("/api/enquiries", 16 * KIB),
    ("/api/testimonial-", 16 * KIB),
    ("/api/", 1024 * KIB),
)
PLAIN_PREFIXES = ("/api/", "/media/", "/healthz", "/readyz", "/health", "/metrics", "/.well-known/")
PAGES_OF_THE_API = {"/api/docs"}
ASKED_BY_ADDRESS = {"/readyz", "/health"}  # load balancers know no host name
PERMISSIONS_POLICY = "camera=(), geolocation=(), microphone=(), payment=(self), usb=()"
API_POLICY = "default-src 'none'; frame-ancestors 'none'"
LONGEST_USER_AGENT = 256
NO_STORE = {"Cache-Control": "no-store"}


class RequestContextMiddleware:
    """Gives every request an id and the context that logs, audit and problems read; answers `/healthz` at once."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = request.META.get("studio.request_id") or str(uuid7())
        request.META["HTTP_X_REQUEST_ID"] = request_id  # django-structlog binds it to every log line
        if request.path in ASKED_BY_ADDRESS:
            request.META["HTTP_HOST"] = settings.PUBLIC_HOST
        agent = request.META.get("HTTP_USER_AGENT", "")[:LONGEST_USER_AGENT]
        with context.use(context.RequestContext(request_id, client_ip(request), agent)):
            if request.path == "/healthz" and request.method in {"GET", "HEAD"}:
                response: HttpResponse = JsonResponse({"status": "ok"}, headers=api_headers() | NO_STORE)
            else:
                response = self.get_response(request)
        response["X-Request-ID"] = request_id
        return response


class SecurityHeadersMiddleware:
    """The header table of the API's documentation, for every response that does not set its own."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        is_page = request.path in PAGES_OF_THE_API or not request.path.startswith(PLAIN_PREFIXES)
        headers = page_headers(request) if is_page else api_headers()
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        if response.status_code == HTTPStatus.NOT_MODIFIED:
            response.headers.pop("Content-Length", None)  # Django counts the absent body; RFC 9110 §8.6 forbids that
        return response


def api_headers() -> dict[str, str]:
    """Security headers of JSON and media; the edge layer sends the same."""
    return {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Permissions-Policy": PERMISSIONS_POLICY,
        "Cross-Origin-Resource-Policy": "cross-origin",
        "X-Frame-Options": "DENY",
        "Content-Security-Policy": API_POLICY,
        "X-API-Version": settings.API_VERSION,
        **transport_security(),
    }


def page_headers(request: HttpRequest) -> dict[str, str]:
    """Security headers of pages; django-csp adds the policy itself."""
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": settings.SECURE_REFERRER_POLICY,
        "Permissions-Policy": PERMISSIONS_POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "X-Frame-Options": "DENY",
        **transport_security(),
    }
    if settings.SESSION_COOKIE_NAME in request.COOKIES:
        headers["Cache-Control"] = "private, no-store"
    return headers


def transport_security() -> dict[str, str]:
    """Strict-Transport-Security where the public address is https in production."""
    seconds = settings.SECURE_HSTS_SECONDS
    return {"Strict-Transport-Security": f"max-age={seconds}; includeSubDomains; preload"} if seconds else {}


class BodyLimitMiddleware:
    """Refuses a body without a length (411) or longer than its address takes (413), before it is read."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        limit = next((size for prefix, size in BODY_LIMITS if request.path.startswith(prefix)), None)
        if limit is None:
            return self.get_response(request)
        if request.META.get("HTTP_TRANSFER_ENCODING"):
            return problems.problem_response(LengthRequired(), request)
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdigit() or int(length) > limit:
            return problems.problem_response(PayloadTooLarge(f"At most {limit} bytes are taken here."), request)
        return self.get_response(request)


class SlashMiddleware:
    """Paths have no trailing slash: GET and HEAD are sent on with 308; only the admin's paths end with one."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        path = request.path
        if path == "/admin":
            return HttpResponsePermanentRedirect("/admin/")
        ends = len(path) > 1 and path.endswith("/") and not path.startswith("/admin/")
        if ends and request.method in {"GET", "HEAD"}:
            # Written as an address again: a browser reads `/\host` and `/<tab>/host` as another host.
            bare = escape_uri_path("/" + path.strip("/"))
            query = iri_to_uri(request.META.get("QUERY_STRING", ""))
            response = HttpResponse(status=308)
            response["Location"] = f"{bare}?{query}" if query else bare
            return response
        return self.get_response(request)


class DatabaseAwayMiddleware:
    """503 with Retry-After while PostgreSQL does not answer, for pages as for the API."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, fault: Exception) -> HttpResponseBase | None:
        """Answer a lost database; leave every other fault to Django."""
        if not isinstance(fault, OperationalError | InterfaceError):
            return None
        error = DatabaseUnavailable(retry_after=problems.DATABASE_RETRY_SECONDS)
        return problems.answer(error, request)
