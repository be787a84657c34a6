"""Instants that people type as the local time of the studio."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from django.conf import settings

from common.errors import FieldError, ValidationFailed


def instant_of(value: datetime, *, pointer: str) -> datetime:
    """Return the instant (UTC) of a time: an aware one as it is, a naive one as clocks of the studio show it.

    Of a time that clocks show twice it is the first. Raises ValidationFailed for one that they skip.
    """
    if value.tzinfo is not None:
        return value.astimezone(UTC)
    zone = ZoneInfo(settings.STUDIO_TIME_ZONE)
    instant = value.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if instant.astimezone(zone).replace(tzinfo=None) != value.replace(fold=0):
        skipped = f"Clocks in {settings.STUDIO_TIME_ZONE} skip this time: it does not exist on that day."
        raise ValidationFailed(errors=[FieldError("skipped_time", skipped, pointer)])
    return instant
