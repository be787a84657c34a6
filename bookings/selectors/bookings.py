"""Bookings: who may read one, what it costs, and what waits for staff."""

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext as _

from bookings import tokens
from bookings.constants import MoneyState, Purpose, Status
from bookings.models import Booking
from common.attention import Attention
from common.errors import NotAuthenticated, NotFound, PermissionDenied
from common.grants import BookingGrant
from common.links import page_url

OVER = frozenset({Status.CANCELLED, Status.DECLINED, Status.EXPIRED})
COOKIE_PREFIX = "bk_"
VIEW_PERMISSION = "bookings.view_booking"


@dataclass(frozen=True, slots=True)
class Due:
    """What the next payment of a booking is for, in minor units; `amount` 0 when nothing is left to pay."""

    amount: int
    currency: str
    purpose: str


def booking_for(*, booking_id: uuid.UUID | str, grant_or_user: Any) -> Booking:
    """The booking, for the holder of its token (a BookingGrant) or staff who may see bookings.

    Raises NotFound for an unknown id and for the grant of another booking alike, NotAuthenticated for nobody and
    PermissionDenied for staff without `bookings.view_booking`.
    """
    wanted = _as_uuid(booking_id)
    if isinstance(grant_or_user, BookingGrant):
        if grant_or_user.booking_id != wanted:
            raise NotFound
    elif not getattr(grant_or_user, "is_authenticated", False):
        raise NotAuthenticated
    elif not grant_or_user.has_perm(VIEW_PERMISSION):
        raise PermissionDenied
    return _get(wanted)


def booking_by_token(raw: str) -> Booking:
    """The booking that a genuine `bk_` token names; NotFound for every other string."""
    parsed = tokens.parse(raw)
    if parsed is None:
        raise NotFound
    booking = _get(parsed.booking_id)
    if not tokens.proves(parsed, booking):
        raise NotFound
    return booking


def booking_from_cookie(request: HttpRequest, booking_id: uuid.UUID) -> Booking:
    """The booking of a page, if the browser holds its cookie `bk_<id>`; NotFound otherwise."""
    booking = booking_by_token(request.COOKIES.get(cookie_name(booking_id), ""))
    if booking.pk != booking_id:
        raise NotFound
    return booking


def cookie_name(booking_id: uuid.UUID) -> str:
    """The name of the page cookie that carries the booking's token."""
    return f"{COOKIE_PREFIX}{booking_id}"


def manage_url(booking: Booking) -> str:
    """The secret link of the customer's mails, which opens the booking; keep it out of logs."""
    return page_url("booking", id=booking.pk, token=tokens.make(booking))


def quote(booking: Booking) -> dict[str, int | str]:
    """The agreed price: `amount`, `deposit`, what is `due` at once, `currency`. It never changes."""
    return {
        "amount": booking.price_amount,
        "deposit": booking.deposit_amount,
        "due": _due_at_once(booking),
        "currency": booking.currency,
    }


def due(booking: Booking) -> Due:
    """The next payment: `deposit` or `full` as long as nothing is paid, then `balance`: all that is left."""
    if booking.paid_amount:
        return Due(outstanding(booking), booking.currency, Purpose.BALANCE)
    amount = _due_at_once(booking)
    purpose = Purpose.FULL if amount == booking.price_amount else Purpose.DEPOSIT
    return Due(amount, booking.currency, purpose)


def outstanding(booking: Booking) -> int:
    """What of the price was never paid; a refund does not make it owed again."""
    return max(0, booking.price_amount - booking.paid_amount)


def is_payable(booking: Booking, *, now: datetime) -> bool:
    """Held and not run out, or confirmed or completed with something outstanding."""
    if booking.spam or not outstanding(booking):
        return False
    if booking.status == Status.HELD:
        return booking.hold_expires_at is not None and now < booking.hold_expires_at
    return booking.status in {Status.CONFIRMED, Status.COMPLETED}


def is_over(booking: Booking, *, now: datetime) -> bool:
    """Whether nothing will come of the booking: given up, declined, or a hold that has run out."""
    if booking.status == Status.HELD:
        return booking.hold_expires_at is not None and booking.hold_expires_at <= now
    return booking.status in OVER


def booking_standing(booking_id: uuid.UUID) -> Booking | None:
    """The few columns that decide about a booking's files, spam too; None for an unknown id."""
    return Booking.objects.only("status", "hold_expires_at", "spam").filter(pk=booking_id).first()


def cancellable_until(booking: Booking) -> datetime | None:
    """The instant at which a customer's right to cancel ends; None when there is no time to count from."""
    if booking.first_starts_at is None:
        return None
    return booking.first_starts_at - timedelta(hours=booking.cancellation_hours)


def customer_may_cancel(booking: Booking, *, now: datetime) -> bool:
    """Whether the policy lets the customer out; an unpaid hold or request may always be given up."""
    until = cancellable_until(booking)
    binding = booking.status == Status.CONFIRMED or booking.paid_amount > 0
    return until is None or not binding or now < until


def refund_owed(booking: Booking) -> int:
    """What of `refund_due_amount` has not been paid back yet."""
    return max(0, booking.refund_due_amount - booking.refunded_amount)


def bookings_owing_refunds() -> QuerySet[Booking]:
    """Bookings whose `refund_owed` is above zero, oldest first: for the payments' sweep."""
    return Booking.objects.filter(refund_due_amount__gt=F("refunded_amount")).order_by("created_at", "id")


def bookings_needing_review() -> QuerySet[Booking]:
    """Bookings with money that could not confirm them; staff decide on each."""
    return Booking.objects.exclude(review_reason="").order_by("created_at", "id")


def money_state(booking: Booking) -> str:
    """For readers: a member of `MoneyState`."""
    if booking.review_reason:
        return MoneyState.NEEDS_REVIEW
    if not booking.paid_amount:
        return MoneyState.UNPAID if booking.price_amount else MoneyState.FREE
    if refund_owed(booking):
        return MoneyState.REFUND_DUE
    if booking.refunded_amount:
        everything = booking.refunded_amount >= booking.paid_amount
        return MoneyState.REFUNDED if everything else MoneyState.PARTIALLY_REFUNDED
    return MoneyState.PAID if booking.paid_amount >= booking.price_amount else MoneyState.DEPOSIT_PAID


def booking_list() -> QuerySet[Booking]:
    """All bookings that are not spam, with what a list shows of them."""
    return Booking.objects.filter(spam=False).select_related("service", "resource")


def booking_by_id(booking_id: uuid.UUID | str) -> Booking:
    """Any booking, spam too, for callers that have proved their right to it; NotFound for an unknown id."""
    return _get(_as_uuid(booking_id))


def needs_you() -> list[Attention]:
    """What of the bookings waits for staff."""
    changelist = reverse("admin:bookings_booking_changelist")
    waiting = Booking.objects.filter(status=Status.REQUESTED).count()
    review = bookings_needing_review().count()
    return [
        Attention(_("booking requests to answer"), waiting, f"{changelist}?status=requested", VIEW_PERMISSION),
        Attention(_("bookings with money to look at"), review, f"{changelist}?review=yes", VIEW_PERMISSION),
    ]


def _get(booking_id: uuid.UUID) -> Booking:
    found = Booking.objects.select_related("service").filter(pk=booking_id).first()
    if found is None:
        raise NotFound
    return found


def _as_uuid(raw: uuid.UUID | str) -> uuid.UUID:
    if isinstance(raw, uuid.UUID):
        return raw
    try:
        return uuid.UUID(raw)
    except ValueError:
        raise NotFound from None


def _due_at_once(booking: Booking) -> int:
    return booking.deposit_amount or booking.price_amount


def open_since_before(instant: datetime) -> int:
    """How many bookings that are neither over nor given up were made before `instant`; their mails may be as old."""
    return Booking.objects.filter(
        status__in=[Status.HELD, Status.REQUESTED, Status.CONFIRMED], created_at__lt=instant
    ).count()
