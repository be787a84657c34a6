"""Beginning to pay: one live payment for a booking and purpose, whatever is clicked how often."""

import time
import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from audit.actions import record
from bookings import selectors as bookings
from bookings.actions import payments as booking_money
from bookings.constants import Purpose
from bookings.constants import Status as BookingStatus
from common.actor import Actor
from common.clock import db_now
from common.ids import uuid7
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
            return Begun(opening.complete(call=call, provider=provider, by=by), created=True)
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
    booking_money.lock(booking_id=wish.booking_id)
    now = db_now()
    payment = _wanted(wish, provider, now=now)
    paid = selectors.payments_of(wish.booking_id).filter(purpose=payment.purpose, status=Status.SUCCEEDED)
    if paid.filter(is_current=True).exclude(provider=Provider.OFFLINE).exists():
        raise AlreadyPaid
    _supersede(payment, by=by, now=now)
    Payment.objects.bulk_create([payment], ignore_conflicts=True)
    live = selectors.live_payment(booking_id=wish.booking_id, purpose=payment.purpose)
    if live is None:
        raise ProviderUnavailable(retry_after=RETRY_AFTER_SECONDS)
    if live.pk != payment.pk:
        return live, None
    after = {"amount": live.amount, "currency": live.currency, "purpose": live.purpose, "provider": live.provider}
    record(action="payment.created", by=by, target=Target.of(live), after=after)
    return live, opening.plan(payment=live, now=now)


def _wanted(wish: Wish, provider: PaymentProvider, *, now: datetime) -> Payment:
    """The payment as it would be inserted; every refusal that needs no provider is raised here."""
    booking = bookings.booking_by_id(wish.booking_id)
    due = bookings.due(booking)
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
    _check_limits(provider, due)
    return Payment(
        id=uuid7(),
        booking_id=booking.pk,
        purpose=due.purpose,
        provider=provider.name,
        attempt=selectors.next_attempt(booking.pk),
        livemode=provider.livemode,
        amount=due.amount,
        currency=due.currency,
        expires_at=booking.hold_expires_at,
        created_at=now,
        updated_at=now,
    )


def _check_limits(provider: PaymentProvider, due: bookings.Due) -> None:
    code = provider.check(amount=due.amount, currency=due.currency)
    if code:
        raise opening.LIMITS[code]


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
