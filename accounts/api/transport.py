"""How a refresh token travels: in bodies, or in a cookie that only these paths see."""

from urllib.parse import urlsplit

from django.conf import settings
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.actions.sessions import TokenPair
from accounts.models import Session
from common.errors import CsrfFailed, FieldError, ValidationFailed

COOKIE_PATH = "/api/auth"
HEADER = "X-Refresh-Transport"


def cookie_name() -> str:
    """The cookie's name; the prefix makes browsers insist on `Secure`."""
    return "__Secure-rt" if settings.HTTPS else "rt"


def chosen(request: Request) -> Session.Transport:
    """What the request asks for; raises ValidationFailed for an unknown word."""
    value = request.headers.get(HEADER, Session.Transport.BODY)
    if value not in Session.Transport.values:
        raise ValidationFailed(errors=[FieldError("invalid_choice", "Allowed: body, cookie.", parameter=HEADER)])
    return Session.Transport(value)


def presented(request: Request, body: dict[str, str]) -> tuple[str, Session.Transport]:
    """The refresh token that came and how: the body's first, else the cookie's, else an empty one.

    Raises CsrfFailed for a cookie without an allowed Origin and `X-Requested-With: app`.
    """
    if "refresh" in body:
        return body["refresh"], Session.Transport.BODY
    raw = request.COOKIES.get(cookie_name(), "")
    if raw and not _from_our_front_end(request):
        raise CsrfFailed
    return raw, Session.Transport.COOKIE


def hand_over(response: Response, pair: TokenPair) -> None:
    """Set the cookie of a session that uses one."""
    if pair.session.transport != Session.Transport.COOKIE:
        return
    age = int((pair.refresh_expires_at - pair.session.last_used_at).total_seconds())
    response.set_cookie(
        cookie_name(),
        pair.refresh,
        max_age=age,
        path=COOKIE_PATH,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Strict",
    )


def take_back(response: Response) -> None:
    """Clear the cookie."""
    response.delete_cookie(cookie_name(), path=COOKIE_PATH, samesite="Strict")
    response.cookies[cookie_name()]["httponly"] = True
    response.cookies[cookie_name()]["secure"] = settings.HTTPS


def _from_our_front_end(request: Request) -> bool:
    """An Origin that is listed exactly, and a header that no foreign form can set (RFC 9700 §4.7)."""
    public = urlsplit(settings.PUBLIC_URL)
    allowed = {*settings.CORS_ORIGIN, f"{public.scheme}://{public.netloc}"}
    return request.headers.get("Origin") in allowed and request.headers.get("X-Requested-With") == "app"
