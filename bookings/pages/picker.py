"""`/services/{slug}/book`: a month of free times, then the details, then the booking."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe
from rest_framework.request import Request

from bookings import pricing, selectors, windows
from bookings.actions import creation
from bookings.constants import MAX_SLOT_DAYS, Mode, Status
from bookings.errors import NotBookable, SlotNotOffered, SlotTaken
from bookings.models import Booking, ServiceOffer
from bookings.pages import month
from bookings.pages.cookies import remember
from bookings.pages.forms import CAMPAIGN_KEYS, DetailsForm, fresh_key
from bookings.slots import Interval, Slot
from cms.selectors import live_service
from common import limits
from common.actor import Actor
from common.client_ip import bucket, client_ip
from common.clock import db_now
from common.errors import DomainError, ValidationFailed
from common.money import format_money
from idempotency.actions import Outcome, run_once
from idempotency.errors import IdempotencyKeyReused, RequestInProgress

SEE_OTHER = 303
_YEARS = range(2020, 2200)  # whatever lies outside is no slot, and arithmetic on it could overflow


@dataclass(frozen=True)
class _PageCall:
    """What `run_once` reads of a request, for a form that carries its key in a hidden field."""

    method: str
    path: str
    data: Mapping[str, Any]
    headers: Mapping[str, str]
    user: Any = None
    auth: Any = None


@require_safe
@never_cache
def pick(request: HttpRequest, slug: str) -> HttpResponse:
    """The month grid and the times of the picked day; a plain GET form."""
    offer = _offer(slug)
    if offer is None:
        return _closed(request, slug)
    if offer.mode == Mode.REQUEST and offer.resource_id is None:
        return redirect("bookings:details", slug=slug)
    now = db_now()
    zone = _zone(request)
    picked = _day(request.GET.get("day"), now)
    shown = _day(f"{request.GET.get('month', '')}-01", now)
    if picked is None and shown is None:
        picked = _first_free_day(offer, zone, now)
    first = month.month_of(shown or picked or now.astimezone(zone).date())
    slots = _month_slots(offer, first, zone, now)
    times = [slot for slot in slots if slot.starts_at.astimezone(zone).date() == picked]
    return render(request, "pages/bookings/pick.html", _pick_context(offer, zone, first, picked, slots, times, now))


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def details(request: HttpRequest, slug: str) -> HttpResponse:
    """Name, address and consent; sending it makes the booking and leads on to paying it."""
    offer = _offer(slug)
    if offer is None:
        return _closed(request, slug)
    if request.method == "POST":
        return _send(request, offer)
    starts_at = _instant(request.GET.get("starts_at"))
    if starts_at is None and offer.mode == Mode.SLOT:
        return redirect("bookings:pick", slug=slug)
    return _form_page(request, offer, DetailsForm(), starts_at=starts_at, zone=_zone(request))


def _send(request: HttpRequest, offer: ServiceOffer) -> HttpResponse:
    form = DetailsForm(request.POST)
    starts_at = _instant(request.POST.get("starts_at"))
    zone = _zone(request)
    if not form.is_valid():
        return _form_page(request, offer, form, starts_at=starts_at, zone=zone, status=400)
    try:
        limits.hit("PUBLIC_WRITE", key=bucket(client_ip(request)))
        booking = _book_once(request, offer, form)
    except (SlotTaken, SlotNotOffered) as refusal:
        return _gone_page(request, offer, form, refusal, zone)
    except DomainError as refusal:
        form.add_error(None, _words(refusal))
        return _form_page(request, offer, form, starts_at=starts_at, zone=zone, status=refusal.status)
    return _lead_on(booking)


def _book_once(request: HttpRequest, offer: ServiceOffer, form: DetailsForm) -> Booking:
    """The booking of this form, made now or when it was sent before with the same key."""
    data = {name: value for name, value in request.POST.items() if name != "csrfmiddlewaretoken"}
    call = _PageCall("POST", request.path, data, {"Idempotency-Key": str(form.cleaned_data["key"])})

    def perform() -> Outcome:
        order = form.order(service=offer.service.slug, source_page=request.path, attribution=_campaign(request))
        booking = creation.create(order=order, by=Actor.system("visitor"))
        return Outcome(SEE_OTHER, str(booking.pk), str(booking.pk))

    answer = run_once(
        cast("Request", call), route="bookings.page", required=True, perform=perform, render=str, atomic=True
    )
    return selectors.booking_by_id(str(answer.data))


def _lead_on(booking: Booking) -> HttpResponse:
    """To the payment while there is something to pay at once, else to the booking."""
    own = reverse("bookings:show", kwargs={"booking_id": booking.pk})
    target = f"/pay/{booking.pk}" if booking.status == Status.HELD else own
    response = HttpResponseRedirect(target, status=SEE_OTHER)
    remember(response, booking)
    return response


def _form_page(
    request: HttpRequest,
    offer: ServiceOffer,
    form: DetailsForm,
    *,
    starts_at: datetime | None,
    zone: ZoneInfo,
    status: int = 200,
) -> HttpResponse:
    context = {
        **_offer_context(offer),
        "form": form,
        "key": fresh_key(),
        "starts_at": starts_at,
        "starts_value": starts_at.strftime("%Y-%m-%dT%H:%M:%SZ") if starts_at else "",
        "local_start": _shown(starts_at, zone) if starts_at else None,
        "zone": zone.key,
        "campaign": list(_campaign(request).items()),
    }
    return render(request, "pages/bookings/details.html", context, status=status)


def _gone_page(
    request: HttpRequest, offer: ServiceOffer, form: DetailsForm, refusal: DomainError, zone: ZoneInfo
) -> HttpResponse:
    """The time was lost: the nearest free ones, with what was typed kept."""
    now = db_now()
    wanted = _instant(request.POST.get("starts_at")) or now
    nearest = selectors.nearest_slots(offer, to=max(wanted, now), now=now)
    context = {
        **_offer_context(offer),
        "form": form,
        "key": fresh_key(),
        "zone": zone.key,
        "taken": isinstance(refusal, SlotTaken),
        "times": _times(sorted(nearest, key=lambda slot: slot.starts_at), zone),
        "campaign": list(_campaign(request).items()),
    }
    return render(request, "pages/bookings/taken.html", context, status=refusal.status)


def _closed(request: HttpRequest, slug: str) -> HttpResponse:
    service = live_service(slug)
    if service is None:
        raise Http404
    return render(
        request, "pages/bookings/closed.html", {"service": service, "noindex": True}, status=NotBookable.status
    )


def _offer(slug: str) -> ServiceOffer | None:
    offer = selectors.live_offer(slug)
    return None if offer is None or offer.mode == Mode.NONE else offer


def _pick_context(
    offer: ServiceOffer,
    zone: ZoneInfo,
    first: date,
    picked: date | None,
    slots: list[Slot],
    times: list[Slot],
    now: datetime,
) -> dict[str, Any]:
    today = now.astimezone(zone).date()
    last = (now + timedelta(days=offer.max_days_ahead)).astimezone(zone).date()
    after, before = month.next_month(first), month.previous_month(first)
    return {
        **_offer_context(offer),
        "zone": zone.key,
        "studio_zone": settings.STUDIO_TIME_ZONE,
        "month": first,
        "weeks": month.weeks(first, slots, zone=zone, picked=picked, today=today),
        "next_month": after if after <= last else None,
        "previous_month": before if first > month.month_of(today) else None,
        "picked": picked,
        "times": _times(times, zone),
        "any_free": bool(slots),
    }


def _offer_context(offer: ServiceOffer) -> dict[str, Any]:
    deposit = pricing.deposit(offer.price_amount, percent=offer.deposit_percent, currency=offer.currency)
    partly = 0 < deposit < offer.price_amount
    return {
        "noindex": True,
        "service": offer.service,
        "offer": offer,
        "price": format_money(offer.price_amount, offer.currency) if offer.price_amount else "",
        "deposit": format_money(deposit, offer.currency) if partly else "",
        "is_request": offer.mode == Mode.REQUEST,
    }


def _times(slots: list[Slot], zone: ZoneInfo) -> list[dict[str, Any]]:
    return [
        {
            "value": slot.starts_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "starts": _shown(slot.starts_at, zone),
            "ends": _shown(slot.ends_at, zone),
        }
        for slot in slots
    ]


def _shown(instant: datetime, zone: ZoneInfo) -> datetime:
    """Wall time without its zone: templates would turn an aware one into the studio's."""
    return instant.astimezone(zone).replace(tzinfo=None)


def _month_slots(offer: ServiceOffer, first: date, zone: ZoneInfo, now: datetime) -> list[Slot]:
    window = Interval(windows.day_start(first, zone), windows.day_start(month.next_month(first), zone))
    return selectors.slots_for(offer, window=window, now=now)


def _first_free_day(offer: ServiceOffer, zone: ZoneInfo, now: datetime) -> date | None:
    window = Interval(now, now + timedelta(days=MAX_SLOT_DAYS))
    slots = selectors.slots_for(offer, window=window, now=now)
    return slots[0].starts_at.astimezone(zone).date() if slots else None


def _zone(request: HttpRequest) -> ZoneInfo:
    """The zone of the query or form, the studio's when there is none or it is nonsense."""
    raw = request.POST.get("zone") or request.GET.get("zone")
    try:
        return windows.parse_zone(raw, default=settings.STUDIO_TIME_ZONE)
    except ValidationFailed:
        return ZoneInfo(settings.STUDIO_TIME_ZONE)


def _day(raw: str | None, now: datetime) -> date | None:
    try:
        return windows.parse_day(raw, parameter="day", now=now)
    except ValidationFailed:
        return None


def _instant(raw: str | None) -> datetime | None:
    """An instant as the picker writes it; None for anything else."""
    try:
        found = parse_datetime(raw or "")
    except ValueError:
        return None
    if found is None or found.tzinfo != UTC or found.year not in _YEARS:
        return None
    return found


def _campaign(request: HttpRequest) -> dict[str, str]:
    """Where the visitor came from, as far as the address said."""
    source = request.POST if request.method == "POST" else request.GET
    return {key: source[key][:100] for key in CAMPAIGN_KEYS if source.get(key)}


def _words(refusal: DomainError) -> str:
    """A refusal as a visitor reads it."""
    if isinstance(refusal, IdempotencyKeyReused):
        return _("This form was sent before with other words in it. Check it and send it once more.")
    if isinstance(refusal, RequestInProgress):
        return _("Your booking is being made. Wait a moment, then send the form once more.")
    if isinstance(refusal, NotBookable):
        return _("This service takes no bookings at the moment.")
    return " ".join(fault.detail for fault in refusal.errors) or refusal.detail
