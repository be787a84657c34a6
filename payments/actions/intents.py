"""Beginning to pay: one live payment for a booking and purpose, whatever is clicked how often."""

import time
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from audit.actions import record
from bookings import selectors as bookings
from bookings.actions import payments as booking_money
from bookings.constants import Purpose
from bookings.constants import Status as BookingStatus
from common.actor import Actor
from common.ids import uuid7
from common.inserts import insert_if_new
from common.target import Target
from payments import selectors
from payments.actions import cancelling, opening
from payments.constants import (
    RETRY_AFTER_SECONDS,
    WAIT_SECONDS,
    WAIT_STEP_SECONDS,
    Provider,
    Status,
)
from payments.errors import (
    AlreadyPaid,
    AmountMismatch,
    BookingNotPayable,
    NotCancelable,
    NothingToPay,
    PaymentInProgress,
    ProviderUnavailable,
)
from payments.models import Payment, ProviderCall
from payments.providers import required
from payments.providers.protocol import PaymentProvider

REPLACEMENTS = 3  # of live payments that somebody else begins meanwhile
CLOSED_BOOKINGS = frozenset(
    {
        BookingStatus.REQUESTED,
        BookingStatus.DECLINED,
        BookingStatus.CANCELLED,
        BookingStatus.EXPIRED,
        BookingStatus.NO_SHOW,
    }
)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to pay. `purpose` empty: what is due at once; amount and currency are only compared."""

    booking_id: uuid.UUID
    purpose: str = ""
    provider: str = Provider.STRIPE.value
    amount: int | None = None
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """The live payment, and whether this call began it."""

    payment: Payment
    created: bool


def create(*, wish: Wish, by: Actor) -> Begun:
    """The live payment for the wish, begun at its provider if there was none.

    An unpaid one at another provider, or over what is no longer due, is cancelled there first. Raises
    PaymentsNotConfigured, PaymentInProgress, AlreadyPaid, BookingNotPayable, NothingToPay, AmountMismatch, the 422
    problems of an amount or currency, ProviderRejected, and ProviderUnavailable for a payment that a repetition
    resumes.
    """
    provider = required(wish.provider)
    for _ in range(REPLACEMENTS):
        with transaction.atomic(durable=True):
            payment, call = _begin(wish, provider, by=by)
        if call is not None:
            return Begun(opening.complete(call=call, payment=payment, provider=provider, by=by), created=True)
        if not _is_outdated(payment, wish):
            return Begun(_opened(payment, provider, by=by), created=False)
        _give_up(payment, by=by)
    raise PaymentInProgress


def _is_outdated(payment: Payment, wish: Wish) -> bool:
    """Whether the live payment is at another provider, or over another amount than what is due now."""
    due = bookings.due(bookings.booking_by_id(payment.booking_id))
    return payment.provider != wish.provider or payment.amount != due.amount


def _give_up(payment: Payment, *, by: Actor) -> None:
    """Cancel the live payment at its provider, so that another may take its place."""
    if payment.status == Status.CREATING:
        payment = _opened(payment, required(payment.provider), by=by)
    if payment.status == Status.PROCESSING:
        raise PaymentInProgress
    try:
        cancelling.cancel(payment_id=payment.pk, by=by)
    except NotCancelable as refusal:
        now_paid = refusal.members.get("status") == Status.SUCCEEDED
        raise AlreadyPaid if now_paid else PaymentInProgress from refusal


def _begin(wish: Wish, provider: PaymentProvider, *, by: Actor) -> tuple[Payment, ProviderCall | None]:
    """The live payment; with the call to make when this transaction inserted it."""
    booking = booking_money.lock(booking_id=wish.booking_id)
    due = bookings.due(booking)
    known = selectors.standing(booking_id=booking.pk, purpose=due.purpose)
    _refuse(wish, booking, due, provider, now=known.now)
    if known.is_paid:
        raise AlreadyPaid
    payment = _wanted(booking, due, provider, known)
    if known.has_closed:
        _supersede(payment, by=by, now=known.now)
    if not insert_if_new(payment):
        live = selectors.live_payment(booking_id=booking.pk, purpose=due.purpose)
        if live is None:
            raise ProviderUnavailable(retry_after=RETRY_AFTER_SECONDS)
        return live, None
    after = {"amount": due.amount, "currency": due.currency, "purpose": due.purpose, "provider": provider.name}
    record(action="payment.created", by=by, target=Target.of(payment), after=after)
    return payment, opening.plan(payment=payment, now=known.now)


def _refuse(wish: Wish, booking: Any, due: bookings.Due, provider: PaymentProvider, *, now: datetime) -> None:
    """Raise every refusal that the booking and the wish alone tell."""
    if not booking.price_amount:
        raise NothingToPay
    if booking.status in CLOSED_BOOKINGS:
        raise BookingNotPayable(members={"status": booking.status})
    if not bookings.outstanding(booking) or (not wish.purpose and due.purpose == Purpose.BALANCE):
        raise AlreadyPaid
    if not bookings.is_payable(booking, now=now) or wish.purpose not in {"", due.purpose}:
        raise BookingNotPayable(members={"status": booking.status})
    if wish.amount not in {None, due.amount} or wish.currency not in {"", due.currency}:
        raise AmountMismatch(members={"quote": bookings.quote(booking)})
    code = provider.check(amount=due.amount, currency=due.currency)
    if code:
        raise opening.LIMITS[code]


def _wanted(booking: Any, due: bookings.Due, provider: PaymentProvider, known: selectors.Standing) -> Payment:
    """The payment as it would be inserted."""
    return Payment(
        id=uuid7(),
        booking=booking,
        purpose=due.purpose,
        provider=provider.name,
        attempt=known.last_attempt + 1,
        livemode=provider.livemode,
        amount=due.amount,
        currency=due.currency,
        expires_at=booking.hold_expires_at,
        created_at=known.now,
        updated_at=known.now,
    )


def _supersede(payment: Payment, *, by: Actor, now: datetime) -> None:
    """Take the place of closed attempts: should money still arrive for one, it is recorded as a second payment."""
    closed = Payment.objects.filter(
        booking=payment.booking_id,
        purpose=payment.purpose,
        is_current=True,
        status__in=(Status.FAILED, Status.CANCELED),
    )
    for old in closed.select_for_update(of=("self",), no_key=True):
        Payment.objects.filter(pk=old.pk).update(
            is_current=False, lock_version=old.lock_version + 1, updated_at=now
        )  # fmt: skip
        record(action="payment.superseded", by=by, target=Target.of(old), after={"is_current": False})


def _opened(payment: Payment, provider: PaymentProvider, *, by: Actor) -> Payment:
    """A payment that somebody else began, once the provider knows it: resumed when its answer was lost."""
    deadline = time.monotonic() + WAIT_SECONDS
    while payment.status == Status.CREATING:
        opening.resume(payment_id=payment.pk, provider=provider, by=by)
        payment = selectors.payment_by_id(payment.pk)
        if payment.status != Status.CREATING:
            break
        if time.monotonic() > deadline:
            members = {"id": str(payment.pk), "status": payment.status}
            raise ProviderUnavailable(retry_after=RETRY_AFTER_SECONDS, members=members)
        time.sleep(WAIT_STEP_SECONDS)
    return payment
