"""`Authorization: Bearer bk_…`: the holder of a booking's token."""

from django.contrib.auth.models import AnonymousUser
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.request import Request

from bookings import selectors, tokens
from common.errors import NotFound
from common.grants import BookingGrant

_SCHEME = b"bearer"


class BookingTokenAuthentication(BaseAuthentication):
    """Yields a BookingGrant as `request.auth`; every wrong `bk_` token is NotFound, like an unknown booking."""

    def authenticate(self, request: Request) -> tuple[AnonymousUser, BookingGrant] | None:
        """The grant, or None when the header holds no booking token."""
        parts = get_authorization_header(request).split()
        if len(parts) != 2 or parts[0].lower() != _SCHEME or not parts[1].startswith(tokens.PREFIX.encode()):
            return None
        try:
            raw = parts[1].decode("ascii")
        except UnicodeDecodeError:
            raise NotFound from None
        return AnonymousUser(), BookingGrant(selectors.booking_by_token(raw).pk)

    def authenticate_header(self, request: Request) -> str:
        """The challenge of a 401."""
        return 'Bearer realm="api"'
