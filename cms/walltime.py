"""Instants that people type as the local time of the studio."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from common.errors import FieldError, ValidationFailed

FIRST_YEAR, LAST_YEAR = 1900, 9998  # every zone can show the instants of these


def is_sound(value: datetime) -> bool:
    """Whether the instant can be shown in every zone."""
    return FIRST_YEAR <= value.year <= LAST_YEAR


def instant_of(value: datetime, *, pointer: str) -> datetime:
    """Return the instant (UTC) of a time: an aware one as it is, a naive one as clocks of the studio show it.

    Of a time that clocks show twice it is the first. Raises ValidationFailed for one that they skip, and for a year
    out of range.
    """
    if not is_sound(value):
        raise ValidationFailed(errors=[FieldError("invalid", "There is no such time.", pointer)])
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    zone = ZoneInfo(settings.STUDIO_TIME_ZONE)
    instant = value.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != value.replace(fold=0):
        skipped = f"Clocks in {settings.STUDIO_TIME_ZONE} skip this time: it does not exist on that day."
        raise ValidationFailed(errors=[FieldError("skipped_time", skipped, pointer)])
    return instant
