"""Filters of the staff's list."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db.models import Q, QuerySet
from rest_framework.request import Request

from bookings import windows
from bookings.constants import Status
from bookings.models import Booking
from common.clock import db_now
from common.errors import FieldError, ValidationFailed
from common.parameters import single

LIST_PARAMETERS = ("status", "service", "from", "to", "q", "cursor", "per_page")
_LONGEST_QUERY = 200


def booking_filters(request: Request) -> dict[str, Any]:
    """The filters that are given, checked; ValidationFailed names the parameter that is wrong."""
    given = {name: single(request, name) for name in ("status", "service", "from", "to", "q")}
    if given["status"] is not None and given["status"] not in Status.values:
        raise ValidationFailed(
            errors=[FieldError("invalid", f"One of {', '.join(Status.values)}.", parameter="status")]
        )
    if given["q"] is not None and len(given["q"]) > _LONGEST_QUERY:
        raise ValidationFailed(errors=[FieldError("too_long", "At most 200 characters.", parameter="q")])
    now = db_now()
    days = {name: windows.parse_day(given[name], parameter=name, now=now) for name in ("from", "to")}
    return {name: value for name, value in {**given, **days}.items() if value is not None}


def filtered(bookings: QuerySet[Booking], filters: dict[str, Any]) -> QuerySet[Booking]:
    """The bookings that match; days are the studio's."""
    zone = ZoneInfo(settings.STUDIO_TIME_ZONE)
    if "status" in filters:
        bookings = bookings.filter(status=filters["status"])
    if "service" in filters:
        bookings = bookings.filter(service__slug=filters["service"])
    if "from" in filters:
        bookings = bookings.filter(starts_at__gte=windows.day_start(filters["from"], zone))
    if "to" in filters:
        bookings = bookings.filter(starts_at__lt=windows.day_start(filters["to"] + timedelta(days=1), zone))
    if "q" in filters:
        bookings = bookings.filter(search_for(filters["q"]))
    return bookings


def search_for(text: str) -> Q:
    """A reference, or part of a customer's name or address."""
    return Q(reference=text.strip().upper()) | Q(customer_name__icontains=text) | Q(customer_email__icontains=text)
