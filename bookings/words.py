"""A booking in words, for mails and pages."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.formats import date_format

from bookings.models import Booking

EN_DASH = "\u2013"


def local(value: datetime, zone: str) -> datetime:
    """The instant as clocks of the zone show it."""
    return value.astimezone(ZoneInfo(zone))


def when(booking: Booking) -> str:
    """`Tuesday, 1 December 2026, 09:00` to `11:00 (Africa/Nairobi)` with a dash between; empty without a time."""
    if booking.starts_at is None or booking.ends_at is None:
        return ""
    starts, ends = local(booking.starts_at, booking.zone), local(booking.ends_at, booking.zone)
    day = date_format(starts, "l, j F Y")
    return f"{day}, {starts:%H:%M}{EN_DASH}{ends:%H:%M} ({booking.zone})"


def clock_time(value: datetime | None, zone: str) -> str:
    """`09:15`; empty for None."""
    return f"{local(value, zone):%H:%M}" if value else ""


def moment(value: datetime | None, zone: str) -> str:
    """`Tuesday, 1 December 2026, 09:00`; empty for None."""
    if value is None:
        return ""
    shown = local(value, zone)
    return f"{date_format(shown, 'l, j F Y')}, {shown:%H:%M}"
