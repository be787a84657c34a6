"""`/pay/{booking}`, the return from the bank, and the receipt. The booking's cookie opens them."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from bookings import selectors as bookings
from bookings.constants import Purpose
from bookings.constants import Status as BookingStatus
from common import limits
from common.actor import Actor
from common.clock import db_now
from common.csp import csp_update
from common.errors import DomainError, NotFound
from common.money import format_money
from common.problems import problem_response
from payments import selectors
from payments.actions import intents, looks
from payments.bodies import intent_body, payment_body, receipt_line
from payments.constants import PaymentState, Status
from payments.models import Payment

STRIPE_API = "https://api.stripe.com"
STRIPE_FRAMES = ["https://js.stripe.com", "https://hooks.stripe.com"]
LOOK = "look"
CLOSED = frozenset({BookingStatus.CANCELLED, BookingStatus.DECLINED, BookingStatus.NO_SHOW})


def origin(url: str) -> str:
    """Scheme and host of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def payment_policy() -> dict[str, list[str]]:
    """What the payment page's policy adds: Stripe's three origins, or, with the twin, only the twin's."""
    scripts = [origin(settings.STRIPE_JS_URL)]
    if settings.PAYMENTS_MODE == "twin":
        return {"script-src": scripts, "connect-src": [origin(settings.STRIPE_API_BASE)]}
    return {"script-src": scripts, "connect-src": [STRIPE_API], "frame-src": STRIPE_FRAMES}


@require_safe
@never_cache
@csp_update(payment_policy())  # type: ignore[arg-type]  # its types know only views without arguments
def pay(request: HttpRequest, booking_id: UUID) -> HttpResponse:
    """What is due and until when, and the form to pay it; or, in words, why nothing can be paid."""
    booking = _mine(request, booking_id)
    now = db_now()
    due = bookings.due(booking)
    payable = bookings.is_payable(booking, now=now)
    held = payable and booking.status == BookingStatus.HELD and booking.hold_expires_at is not None
    left = int((booking.hold_expires_at - now).total_seconds()) if held else 0
    context = {
        "noindex": True,
        "booking": booking,
        "state": _page_state(booking, payable=payable),
        "due": format_money(due.amount, due.currency),
        "price": format_money(booking.price_amount, booking.currency),
        "is_deposit": due.purpose == Purpose.DEPOSIT,
        "is_balance": due.purpose == Purpose.BALANCE,
        "paid": format_money(booking.paid_amount, booking.currency) if booking.paid_amount else "",
        "held": held,
        "minutes_left": -(-left // 60),
        "seconds_left": left,
        "stripe_js_url": settings.STRIPE_JS_URL,
        "return_url": f"{settings.PUBLIC_URL}{_return_path(booking.pk)}",
        **_modes(),
    }
    return render(request, "pages/payments/pay.html", context)


@require_POST
@never_cache
def intent(request: HttpRequest, booking_id: UUID) -> HttpResponse:
    """The payment page's own create-intent: by the cookie and a CSRF token; the same action, answer and problems."""
    try:
        booking = bookings.booking_from_cookie(request, booking_id)
        limits.hit("PAYMENT", key=str(booking.pk))
        due = bookings.due(booking)
        purpose = due.purpose if due.purpose == Purpose.BALANCE and due.amount else ""
        by = Actor.customer(id=booking.pk, label=booking.customer_name)
        begun = intents.create(wish=intents.Wish(booking_id=booking.pk, purpose=purpose), by=by)
    except DomainError as refusal:
        return problem_response(refusal, request)
    return JsonResponse(intent_body(begun.payment), status=201 if begun.created else 200)


@require_safe
@never_cache
def status(request: HttpRequest, booking_id: UUID) -> HttpResponse:
    """The booking's newest payment as JSON, for the page that waits for it."""
    try:
        booking = bookings.booking_from_cookie(request, booking_id)
        limits.hit("PAYMENT", key=str(booking.pk))
        payment = selectors.newest_payment(booking.pk)
        if payment is None:
            raise NotFound
    except DomainError as refusal:
        return problem_response(refusal, request)
    _look_if_asked(request, payment)
    return JsonResponse(payment_body(payment))


@require_safe
@never_cache
def back(request: HttpRequest) -> HttpResponse:
    """`/pay/return?booking=`: where the bank, or our own page, sends the customer after paying."""
    try:
        booking_id = UUID(request.GET.get("booking", ""))
    except ValueError:
        raise Http404 from None
    booking = _mine(request, booking_id)
    payment = selectors.newest_payment(booking.pk)
    if payment is not None:
        _look_if_asked(request, payment)
    context = {
        "noindex": True,
        "booking": booking,
        "payment": payment,
        "outcome": _outcome(payment),
        "amount": format_money(payment.amount, payment.currency) if payment else "",
        "payable": bookings.is_payable(booking, now=db_now()),
        "confirmed": booking.status == BookingStatus.CONFIRMED,
        **_modes(),
    }
    return render(request, "pages/payments/return.html", context)


@require_safe
@never_cache
def receipt(request: HttpRequest, booking_id: UUID) -> HttpResponse:
    """What was paid and paid back, to keep or print; NotFound as long as nothing was paid."""
    booking = _mine(request, booking_id)
    paid = list(selectors.receipts_of(booking.pk))
    if not paid:
        raise Http404
    outstanding = bookings.outstanding(booking)
    context = {
        "noindex": True,
        "booking": booking,
        "lines": [receipt_line(payment) for payment in paid],
        "price": format_money(booking.price_amount, booking.currency),
        "outstanding": format_money(outstanding, booking.currency) if outstanding else "",
        **_modes(),
    }
    return render(request, "pages/payments/receipt.html", context)


def _mine(request: HttpRequest, booking_id: UUID) -> Any:
    try:
        return bookings.booking_from_cookie(request, booking_id)
    except NotFound:
        raise Http404 from None


def _modes() -> dict[str, Any]:
    return {"play_money": settings.PAYMENTS_MODE in {"twin", "test"}, "payments_off": settings.PAYMENTS_MODE == "off"}


def _return_path(booking_id: UUID) -> str:
    return f"{reverse('payments:return')}?booking={booking_id}"


def _page_state(booking: Any, *, payable: bool) -> str:
    """One of payable, free, paid, closed, expired, waiting."""
    if payable:
        return "payable"
    if not booking.price_amount:
        return "free"
    if not bookings.outstanding(booking):
        return "paid"
    if booking.status in CLOSED:
        return "closed"
    return "waiting" if booking.status == BookingStatus.REQUESTED else "expired"


def _outcome(payment: Payment | None) -> str:
    """One of paid, review, processing, failed, none."""
    if payment is None:
        return "none"
    if payment.status == Status.SUCCEEDED:
        return "review" if selectors.payment_state(payment) == PaymentState.NEEDS_REVIEW else "paid"
    if payment.status in {Status.CANCELED, Status.FAILED} or payment.last_error_code:
        return "failed"
    return "processing"


def _look_if_asked(request: HttpRequest, payment: Payment) -> None:
    """`look=1`, of a customer who has waited for a while: have the payment looked up, its webhook may be lost."""
    if request.GET.get(LOOK) != "1":
        return
    looks.refresh_if_stale(payment=payment, by=Actor.customer(id=payment.booking_id))
