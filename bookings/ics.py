"""One booking as an iCalendar object (RFC 5545). Pure but for the settings' names."""

from collections.abc import Iterable
from datetime import UTC, datetime

from django.conf import settings

from bookings.constants import Status
from bookings.models import Booking
from common.links import absolute

CONTENT_TYPE = "text/calendar; charset=utf-8"
_LINE_OCTETS = 75
_STATUS = {Status.CONFIRMED: "CONFIRMED", Status.COMPLETED: "CONFIRMED", Status.CANCELLED: "CANCELLED"}


def calendar(booking: Booking) -> bytes:
    """The booking's event: a stable UID, SEQUENCE as counted, METHOD CANCEL once it is cancelled.

    The booking must have a time (`starts_at` is not None).
    """
    cancelled = booking.status == Status.CANCELLED
    lines = [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        f"PRODID:-//{_text(settings.STUDIO_NAME)}//Bookings//EN",
        "CALSCALE:GREGORIAN",
        f"METHOD:{'CANCEL' if cancelled else 'PUBLISH'}",
        *_event(booking),
        "END:VCALENDAR",
    ]
    return "".join(f"{folded}\r\n" for line in lines for folded in _folded(line)).encode()


def filename(booking: Booking) -> str:
    """The name under which the file is saved."""
    return f"booking-{booking.reference}.ics"


def _event(booking: Booking) -> Iterable[str]:
    page = absolute(f"/bookings/{booking.pk}")
    yield "BEGIN:VEVENT"
    yield f"UID:{booking.pk}@{settings.PUBLIC_HOST}"
    yield f"SEQUENCE:{booking.sequence}"
    yield f"DTSTAMP:{_instant(booking.updated_at)}"
    yield f"DTSTART:{_instant(booking.starts_at)}"
    yield f"DTEND:{_instant(booking.ends_at)}"
    yield f"SUMMARY:{_text(f'{booking.service_title} · {settings.STUDIO_NAME}')}"
    yield f"DESCRIPTION:{_text(f'{booking.reference} · {booking.customer_name}')}"
    yield f"URL:{page}"
    yield f"STATUS:{_STATUS.get(Status(booking.status), 'TENTATIVE')}"
    yield "END:VEVENT"


def _instant(value: datetime | None) -> str:
    if value is None:
        raise ValueError("A booking without a time has no calendar event.")
    return value.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")


def _text(value: str) -> str:
    """TEXT of RFC 5545 §3.3.11: escaped, without control characters."""
    for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\r\n", "\\n"), ("\n", "\\n")):
        value = value.replace(plain, escaped)
    return "".join(letter for letter in value if letter.isprintable() or letter in "\u200c\u200d")


def _folded(line: str) -> Iterable[str]:
    """Content lines of at most 75 octets, never cut inside a character (RFC 5545 §3.1)."""
    current = ""
    for letter in line:
        if len((current + letter).encode()) > _LINE_OCTETS:
            yield current
            current = " "
        current += letter
    yield current
