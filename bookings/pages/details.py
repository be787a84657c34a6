"""`/services/{slug}/book/details`: who books, then the booking itself."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from rest_framework.request import Request

from bookings import selectors
from bookings.actions import creation
from bookings.constants import Mode, Status
from bookings.errors import NotBookable, SlotNotOffered, SlotTaken
from bookings.models import Booking, ServiceOffer
from bookings.pages.cookies import remember
from bookings.pages.forms import CAMPAIGN_KEYS, DetailsForm, fresh_key
from bookings.pages.offering import closed_page, instant_of, offer_context, open_offer, times, wall_time, zone_of
from common import limits
from common.actor import Actor
from common.client_ip import caller
from common.clock import db_now
from common.errors import DomainError
from common.instants import instant
from idempotency.actions import Outcome, run_once
from idempotency.errors import IdempotencyKeyReused, RequestInProgress

SEE_OTHER = 303


@dataclass(frozen=True)
class _PageCall:
    """What `run_once` reads of a request, for a form that carries its key in a hidden field."""

    method: str
    path: str
    data: Mapping[str, Any]
    headers: Mapping[str, str]
    user: Any = None
    auth: Any = None


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
def details(request: HttpRequest, slug: str) -> HttpResponse:
    """Name, address and consent; sending it makes the booking and leads on to paying it."""
    offer = open_offer(slug)
    if offer is None:
        return closed_page(request, slug)
    if request.method == "POST":
        return _send(request, offer)
    starts_at = instant_of(request.GET.get("starts_at"))
    if starts_at is None and offer.mode == Mode.SLOT:
        return redirect("bookings:pick", slug=slug)
    return _form_page(request, offer, DetailsForm(), starts_at=starts_at, zone=zone_of(request))


def _send(request: HttpRequest, offer: ServiceOffer) -> HttpResponse:
    form = DetailsForm(request.POST)
    starts_at = instant_of(request.POST.get("starts_at"))
    zone = zone_of(request)
    if not form.is_valid():
        return _form_page(request, offer, form, starts_at=starts_at, zone=zone, status=400)
    try:
        limits.hit("PUBLIC_WRITE", key=caller())
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
        **offer_context(offer),
        "form": form,
        "key": fresh_key(),
        "starts_at": starts_at,
        "starts_value": instant(starts_at) or "",
        "local_start": wall_time(starts_at, zone) if starts_at else None,
        "zone": zone.key,
        "campaign": list(_campaign(request).items()),
    }
    return render(request, "pages/bookings/details.html", context, status=status)


def _gone_page(
    request: HttpRequest, offer: ServiceOffer, form: DetailsForm, refusal: DomainError, zone: ZoneInfo
) -> HttpResponse:
    """The time was lost: the nearest free ones, with what was typed kept."""
    now = db_now()
    wanted = instant_of(request.POST.get("starts_at")) or now
    nearest = selectors.nearest_slots(offer, to=max(wanted, now), now=now)
    context = {
        **offer_context(offer),
        "form": form,
        "key": fresh_key(),
        "zone": zone.key,
        "taken": isinstance(refusal, SlotTaken),
        "times": times(sorted(nearest, key=lambda slot: slot.starts_at), zone),
        "campaign": list(_campaign(request).items()),
    }
    return render(request, "pages/bookings/taken.html", context, status=refusal.status)


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
