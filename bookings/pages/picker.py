"""`/services/{slug}/book`: a month of free times; a plain GET form."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from bookings import selectors, windows
from bookings.constants import MAX_SLOT_DAYS, Mode
from bookings.models import ServiceOffer
from bookings.pages import month
from bookings.pages.offering import closed_page, offer_context, open_offer, times, zone_of
from bookings.slots import Interval, Slot
from common.clock import db_now
from common.errors import ValidationFailed


@require_safe
@never_cache
def pick(request: HttpRequest, slug: str) -> HttpResponse:
    """The month grid and the times of the picked day; a plain GET form."""
    offer = open_offer(slug)
    if offer is None:
        return closed_page(request, slug)
    if offer.mode == Mode.REQUEST and offer.resource_id is None:
        return redirect("bookings:details", slug=slug)
    now = db_now()
    zone = zone_of(request)
    picked = _day(request.GET.get("day"), now)
    shown = _day(f"{request.GET.get('month', '')}-01", now)
    if picked is None and shown is None:
        picked = _first_free_day(offer, zone, now)
    first = month.month_of(shown or picked or now.astimezone(zone).date())
    slots = _month_slots(offer, first, zone, now)
    context = _month_context(offer, first, slots, zone=zone, picked=picked, now=now)
    return render(request, "pages/bookings/pick.html", context)


def _month_context(
    offer: ServiceOffer, first: date, slots: list[Slot], *, zone: ZoneInfo, picked: date | None, now: datetime
) -> dict[str, Any]:
    today = now.astimezone(zone).date()
    last = (now + timedelta(days=offer.max_days_ahead)).astimezone(zone).date()
    after, before = month.next_month(first), month.previous_month(first)
    return {
        **offer_context(offer),
        "zone": zone.key,
        "studio_zone": settings.STUDIO_TIME_ZONE,
        "month": first,
        "weeks": month.weeks(first, slots, zone=zone, picked=picked, today=today),
        "next_month": after if after <= last else None,
        "previous_month": before if first > month.month_of(today) else None,
        "picked": picked,
        "times": times([slot for slot in slots if slot.starts_at.astimezone(zone).date() == picked], zone),
        "any_free": bool(slots),
    }


def _month_slots(offer: ServiceOffer, first: date, zone: ZoneInfo, now: datetime) -> list[Slot]:
    window = Interval(windows.day_start(first, zone), windows.day_start(month.next_month(first), zone))
    return selectors.slots_for(offer, window=window, now=now)


def _first_free_day(offer: ServiceOffer, zone: ZoneInfo, now: datetime) -> date | None:
    window = Interval(now, now + timedelta(days=MAX_SLOT_DAYS))
    slots = selectors.slots_for(offer, window=window, now=now)
    return slots[0].starts_at.astimezone(zone).date() if slots else None


def _day(raw: str | None, now: datetime) -> date | None:
    try:
        return windows.parse_day(raw, parameter="day", now=now)
    except ValidationFailed:
        return None
