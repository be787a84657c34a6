"""The page cookie that opens one booking in one browser for a day."""

from django.conf import settings
from django.http import HttpResponse

from bookings import selectors, tokens
from bookings.constants import PAGE_COOKIE_SECONDS
from bookings.models import Booking


def remember(response: HttpResponse, booking: Booking) -> None:
    """Set the cookie `bk_<booking id>` with the booking's token."""
    response.set_cookie(
        selectors.cookie_name(booking.pk),
        tokens.make(booking),
        max_age=PAGE_COOKIE_SECONDS,
        httponly=True,
        secure=settings.HTTPS,
        samesite="Lax",
    )
