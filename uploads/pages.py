"""What S3 would answer, for `STORAGE=local`: signed writes, signed reads and public pictures.

The refusals have S3's statuses, so that a client behaves alike with either store.
"""

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.core import signing
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from django.views.decorators.csrf import csrf_exempt

from common.clock import db_now
from uploads.constants import IMMUTABLE_CACHE, PRIVATE_CACHE, Bucket
from uploads.errors import StorageUnavailable
from uploads.storage import ObjectChangedError, PutOrder, get_storage
from uploads.storage.base import CORS_MAX_AGE_SECONDS, UPLOAD_HEADERS, disposition
from uploads.storage.local import LocalStorage, checksum_matches, put_order, read_order

View = Callable[..., HttpResponseBase]
PUT_HEADERS = ", ".join(UPLOAD_HEADERS)
# The isolation that lets other origins show what is served, and lets nothing in it run.
MEDIA_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}


def local_only(view: View) -> View:
    """Hand the local store to the view, or answer 404 where another one is configured."""

    @wraps(view)
    def inner(request: HttpRequest, **parts: str) -> HttpResponseBase:
        if settings.STORAGE != "local":
            return _not_found()
        try:
            return view(request, get_storage(), **parts)
        except StorageUnavailable:
            return _refuse(503, "The store is away.")

    return inner


def open_to_front_ends(view: View) -> View:
    """Answer preflights of the listed origins and let them read the result, as the CORS rules of a bucket would."""

    @wraps(view)
    def inner(request: HttpRequest, **parts: str) -> HttpResponseBase:
        known = request.headers.get("Origin", "") in settings.CORS_ALLOWED_ORIGINS
        preflight = known and request.method == "OPTIONS" and _asks_for_what_is_signed(request)
        response = HttpResponse(status=204) if preflight else view(request, **parts)
        patch_vary_headers(response, ["Origin"])
        if known:
            response["Access-Control-Allow-Origin"] = request.headers["Origin"]
            response["Access-Control-Expose-Headers"] = "ETag"
        if preflight:
            response["Access-Control-Allow-Methods"] = "PUT"
            response["Access-Control-Allow-Headers"] = PUT_HEADERS
            response["Access-Control-Max-Age"] = str(CORS_MAX_AGE_SECONDS)
        return response

    return inner


@csrf_exempt
@open_to_front_ends
@local_only
def put_object(request: HttpRequest, storage: LocalStorage, token: str) -> HttpResponse:
    """Write the object of a signed order, once: 200, else 403, 411, 412 or 400 and nothing written."""
    order = _put_order(token)
    if request.method != "PUT" or order is None or order.expires_at <= db_now():
        return _refuse(403, "The URL is not valid for this request, or no longer.")
    if not request.META.get("CONTENT_LENGTH"):
        return _refuse(411, "Content-Length is missing.")
    if not _headers_match(request, order):
        return _refuse(403, "The headers are not those that were signed.")
    if storage.head(Bucket.PRIVATE, order.key):
        return _refuse(412, "The object exists.")
    try:
        info = storage.write_once(order, request)  # type: ignore[arg-type]  # a request can be read like a file
    except ObjectChangedError:
        return _refuse(400, "The bytes do not have the signed length and checksum.")
    except FileExistsError:
        return _refuse(412, "The object exists.")
    headers = MEDIA_HEADERS | {"ETag": f'"{info.etag}"', "Cache-Control": PRIVATE_CACHE}
    return HttpResponse(status=200, content_type="text/plain; charset=utf-8", headers=headers)


@local_only
def get_object(request: HttpRequest, storage: LocalStorage, token: str) -> HttpResponseBase:
    """Serve the object of a signed order: a download, or a private thumbnail."""
    try:
        order = read_order(token)
    except signing.BadSignature:
        return _refuse(403, "The URL is not valid.")
    if request.method != "GET" or order.expires_at <= db_now():
        return _refuse(403, "The URL is not valid for this request, or no longer.")
    headers = {"Cache-Control": PRIVATE_CACHE, "Content-Disposition": disposition(order.filename)}
    return _serve(storage, order.bucket, order.key, order.content_type, headers)


@local_only
def media(request: HttpRequest, storage: LocalStorage, key: str) -> HttpResponseBase:
    """Serve a public object under its immutable name."""
    if request.method not in {"GET", "HEAD"}:
        return HttpResponse(status=405, headers={"Allow": "GET, HEAD"})
    try:
        info = storage.head(Bucket.PUBLIC, key)
    except ValueError:  # not a key of ours
        info = None
    if info is None:
        return _not_found()
    return _serve(storage, Bucket.PUBLIC, key, info.content_type, {"Cache-Control": IMMUTABLE_CACHE})


def _asks_for_what_is_signed(request: HttpRequest) -> bool:
    listed = request.headers.get("Access-Control-Request-Headers", "")
    asked = {name.strip().lower() for name in listed.split(",") if name.strip()}
    return request.headers.get("Access-Control-Request-Method") == "PUT" and asked <= set(UPLOAD_HEADERS)


def _put_order(token: str) -> PutOrder | None:
    try:
        return put_order(token)
    except signing.BadSignature:
        return None


def _headers_match(request: HttpRequest, order: PutOrder) -> bool:
    return (
        request.META["CONTENT_LENGTH"] == str(order.size)
        and request.headers.get("Content-Type") == order.content_type
        and checksum_matches(request.headers.get("x-amz-checksum-sha256", ""), order)
        and request.headers.get("If-None-Match") == "*"
    )


def _serve(
    storage: LocalStorage, bucket: Bucket, key: str, content_type: str, headers: dict[str, str]
) -> HttpResponseBase:
    path = storage.path(bucket, key)
    if not path.is_file():
        return _not_found()
    response = FileResponse(path.open("rb"), content_type=content_type)
    for name, value in (MEDIA_HEADERS | headers).items():
        response[name] = value
    return response


def _not_found() -> HttpResponse:
    """A browser that asks for a picture has no use for the site's page of errors."""
    return _refuse(404, "There is no such object.")


def _refuse(status: int, sentence: str) -> HttpResponse:
    headers = MEDIA_HEADERS | {"Cache-Control": PRIVATE_CACHE}
    return HttpResponse(f"{sentence}\n", status=status, content_type="text/plain; charset=utf-8", headers=headers)
