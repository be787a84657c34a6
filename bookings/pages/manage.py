"""`/b/{token}` and `/bookings/{id}`: what the link in every mail leads to."""

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bookings import calendar_file, selectors, words
from bookings.actions import cancellation
from bookings.constants import MoneyState, Status
from bookings.errors import InvalidTransition, TooLateToCancel
from bookings.models import Booking
from bookings.pages.cookies import remember
from common.actor import Actor
from common.clock import db_now
from common.errors import DomainError, NotFound
from common.money import format_money
from uploads import selectors as uploads
from uploads.actions import reads
from uploads.constants import State
from uploads.errors import InvalidState

SEE_OTHER = 303
_LOOKS = {Status.CONFIRMED: "ok", Status.COMPLETED: "ok", Status.HELD: "wait", Status.REQUESTED: "wait"}


@require_safe
@never_cache
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """Take the token out of the address: set the cookie, and lead on to the bare page."""
    try:
        booking = selectors.booking_by_token(token)
    except NotFound:
        raise Http404 from None
    response = HttpResponseRedirect(_own_page(booking), status=SEE_OTHER)
    response["Referrer-Policy"] = "no-referrer"
    remember(response, booking)
    return response


@require_safe
@never_cache
def show(request: HttpRequest, booking_id: UUID) -> HttpResponse:
    """The booking: its state in words, price, and what can be done."""
    return _page(request, _mine(request, booking_id))


@require_POST
@never_cache
def cancel(request: HttpRequest, booking_id: UUID) -> HttpResponse:
    """Cancel, then show the booking; a refusal is said in words on the same page."""
    booking = _mine(request, booking_id)
    by = Actor.customer(id=booking.pk, label=booking.customer_name)
    try:
        cancellation.cancel(booking_id=booking.pk, by=by)
    except DomainError as refusal:
        return _page(request, _mine(request, booking_id), problem=_words(refusal), status=refusal.status)
    return HttpResponseRedirect(_own_page(booking), status=SEE_OTHER)


@require_safe
@never_cache
def calendar(request: HttpRequest, booking_id: UUID) -> HttpResponse:
    """The booking as a calendar file."""
    try:
        return calendar_file.answer(_mine(request, booking_id))
    except NotFound:
        raise Http404 from None


@require_safe
@never_cache
def file(request: HttpRequest, booking_id: UUID, file_id: UUID) -> HttpResponse:
    """Lead to an address that downloads a file of the booking, valid for a minute."""
    booking = _mine(request, booking_id)
    try:
        url = reads.download(file_id=file_id, by=Actor.customer(id=booking.pk, label=booking.customer_name))
    except (NotFound, InvalidState):
        raise Http404 from None
    return HttpResponseRedirect(url, headers={"Referrer-Policy": "no-referrer"})


def _mine(request: HttpRequest, booking_id: UUID) -> Booking:
    try:
        return selectors.booking_from_cookie(request, booking_id)
    except NotFound:
        raise Http404 from None


def _own_page(booking: Booking) -> str:
    return reverse("bookings:show", kwargs={"booking_id": booking.pk})


def _page(request: HttpRequest, booking: Booking, *, problem: str = "", status: int = 200) -> HttpResponse:
    return render(request, "pages/bookings/booking.html", _context(booking, problem), status=status)


def _context(booking: Booking, problem: str) -> dict[str, Any]:
    now = db_now()
    shown = _shown_status(booking, now=now)
    open_ = shown in {Status.HELD, Status.REQUESTED, Status.CONFIRMED}
    payable = selectors.is_payable(booking, now=now)
    left = int((booking.hold_expires_at - now).total_seconds()) if payable and booking.hold_expires_at else 0
    due = selectors.due(booking)
    return {
        "noindex": True,
        "booking": booking,
        "problem": problem,
        "state": shown.value,
        "look": _LOOKS.get(shown, "bad"),
        "state_label": shown.label,
        "money_label": MoneyState(selectors.money_state(booking)).label,
        "when": words.when(booking),
        "price": format_money(booking.price_amount, booking.currency) if booking.price_amount else "",
        "paid": format_money(booking.paid_amount, booking.currency) if booking.paid_amount else "",
        "refund": format_money(booking.refund_due_amount, booking.currency) if booking.refund_due_amount else "",
        "due": format_money(due.amount, due.currency),
        "payable": payable,
        "seconds_left": max(0, left) if shown == Status.HELD else 0,
        "may_cancel": open_ and selectors.customer_may_cancel(booking, now=now),
        "too_late": open_ and not selectors.customer_may_cancel(booking, now=now),
        "until": words.moment(selectors.cancellable_until(booking), booking.zone),
        "files": _files(booking),
        "pay_url": f"/pay/{booking.pk}",
        "receipt_url": f"/pay/{booking.pk}/receipt" if booking.paid_amount else "",
    }


def _files(booking: Booking) -> list[dict[str, Any]]:
    """What can be downloaded; the customer's own uploads that are not ready are the front end's to show."""
    ready = uploads.files_of(target_kind="booking", target_id=booking.pk).filter(state=State.READY)
    return [
        {
            "name": one.name,
            "size": one.observed_size,
            "url": reverse("bookings:file", kwargs={"booking_id": booking.pk, "file_id": one.pk}),
        }
        for one in ready
    ]


def _shown_status(booking: Booking, *, now: Any) -> Status:
    """A hold that has run out reads as expired, before the job has freed it; spam reads as the hold it asked for."""
    if booking.spam:
        return Status.EXPIRED
    ran_out = booking.status == Status.HELD and booking.hold_expires_at is not None and booking.hold_expires_at <= now
    return Status.EXPIRED if ran_out else Status(booking.status)


def _words(refusal: DomainError) -> str:
    if isinstance(refusal, TooLateToCancel):
        return _("It is too late to cancel here. Write to us or call, and we will find a way.")
    if isinstance(refusal, InvalidTransition):
        return _("The booking has changed meanwhile; this is how it stands now.")
    return refusal.detail
