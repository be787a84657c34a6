"""The download of a booking for a calendar, by token and by page alike."""

from django.http import HttpResponse

from bookings import ics
from bookings.models import Booking
from common.errors import NotFound


def answer(booking: Booking) -> HttpResponse:
    """The `.ics` file; raises NotFound when the booking has no time, or is spam."""
    if booking.starts_at is None or booking.spam:
        raise NotFound
    disposition = f'attachment; filename="{ics.filename(booking)}"'
    headers = {"Content-Disposition": disposition, "Cache-Control": "private, no-store"}
    return HttpResponse(ics.calendar(booking), content_type=ics.CONTENT_TYPE, headers=headers)
