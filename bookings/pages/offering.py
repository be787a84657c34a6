"""What the picker and the details page share: the offer in words, and what an address may say."""

from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.dateparse import parse_datetime

from bookings import pricing, selectors, windows
from bookings.constants import Mode
from bookings.errors import NotBookable
from bookings.models import ServiceOffer
from bookings.slots import Slot
from cms.selectors import live_service
from common import durations
from common.errors import ValidationFailed
from common.instants import instant
from common.money import format_money

_YEARS = range(2020, 2200)  # whatever lies outside is no slot, and arithmetic on it could overflow


def closed_page(request: HttpRequest, slug: str) -> HttpResponse:
    """Says that a service takes no bookings; an unknown one is not found."""
    service = live_service(slug)
    if service is None:
        raise Http404
    return render(
        request, "pages/bookings/closed.html", {"service": service, "noindex": True}, status=NotBookable.status
    )


def open_offer(slug: str) -> ServiceOffer | None:
    """The offer of a live service that takes bookings."""
    offer = selectors.live_offer(slug)
    return None if offer is None or offer.mode == Mode.NONE else offer


def offer_context(offer: ServiceOffer) -> dict[str, Any]:
    """What every step's head shows."""
    deposit = pricing.deposit(offer.price_amount, percent=offer.deposit_percent, currency=offer.currency)
    partly = 0 < deposit < offer.price_amount
    return {
        "noindex": True,
        "service": offer.service,
        "offer": offer,
        "duration": durations.in_words(offer.duration_minutes),
        "price": format_money(offer.price_amount, offer.currency) if offer.price_amount else "",
        "deposit": format_money(deposit, offer.currency) if partly else "",
        "is_request": offer.mode == Mode.REQUEST,
    }


def times(slots: list[Slot], zone: ZoneInfo) -> list[dict[str, Any]]:
    """Slots as the radio cards show them."""
    return [
        {
            "value": instant(slot.starts_at),
            "starts": wall_time(slot.starts_at, zone),
            "ends": wall_time(slot.ends_at, zone),
        }
        for slot in slots
    ]


def wall_time(moment: datetime, zone: ZoneInfo) -> datetime:
    """Wall time without its zone: templates would turn an aware one into the studio's."""
    return moment.astimezone(zone).replace(tzinfo=None)


def zone_of(request: HttpRequest) -> ZoneInfo:
    """The zone of the query or form, the studio's when there is none or it is nonsense."""
    raw = request.POST.get("zone") or request.GET.get("zone")
    try:
        return windows.parse_zone(raw, default=settings.STUDIO_TIME_ZONE)
    except ValidationFailed:
        return ZoneInfo(settings.STUDIO_TIME_ZONE)


def instant_of(raw: str | None) -> datetime | None:
    """An instant as the picker writes it; None for anything else."""
    try:
        found = parse_datetime(raw or "")
    except ValueError:
        return None
    if found is None or found.tzinfo != UTC or found.year not in _YEARS:
        return None
    return found
