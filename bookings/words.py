"""A booking in words, for mails and pages."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import ngettext

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


def duration(minutes: int) -> str:
    """`45 minutes`, `4 hours`, `1 hour 30 minutes`."""
    hours, rest = divmod(minutes, 60)
    parts = [ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours}] if hours else []
    if rest or not hours:
        parts.append(ngettext("%(count)d minute", "%(count)d minutes", rest) % {"count": rest})
    return " ".join(parts)


def moment(value: datetime | None, zone: str) -> str:
    """`Tuesday, 1 December 2026, 09:00`; empty for None."""
    if value is None:
        return ""
    shown = local(value, zone)
    return f"{date_format(shown, 'l, j F Y')}, {shown:%H:%M}"
