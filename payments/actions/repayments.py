"""Deciding to pay back: checked and reserved under the payment's lock, so that nothing is paid back twice."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet

from audit.actions import record
from bookings import selectors as bookings
from bookings.actions import payments as booking_money
from common.actor import Actor
from common.clock import db_now
from common.errors import FieldError, ValidationFailed
from common.ids import uuid7
from common.target import Target
from payments import locks, selectors
from payments.actions import calls, ledger, refunds
from payments.constants import (
    DisputeState,
    Operation,
    Provider,
    RefundOrigin,
    RefundReason,
    RefundState,
    Status,
)
from payments.errors import (
    AmountNotRepresentable,
    DisputeOpen,
    ExceedsRefundable,
    NotCaptured,
)
from payments.models import Payment, ProviderCall, Refund
from payments.providers import required
from payments.providers.errors import ProviderError
from payments.providers.protocol import PaymentProvider

MOST_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Wish:
    """What staff want to pay back: `amount` None for all that is left; `receipt` of one that was made by hand.

    The same `once` asked for again is the same refund.
    """

    payment_id: uuid.UUID
    reason: str
    amount: int | None = None
    note: str = ""
    receipt: str = ""
    once: uuid.UUID | None = None


def create(*, wish: Wish, by: Actor) -> Refund:
    """Refund a payment, or record a refund that was made by hand.

    While the provider is away the refund stays `requested` and the sweep asks again with the same key. Where it refuses
    because the money has gone another way meanwhile, that is the answer as if it had been known before. Raises
    NotFound, NotCaptured, DisputeOpen, ExceedsRefundable, AmountNotRepresentable, PaymentsNotConfigured, and
    ValidationFailed for a receipt that is missing, known, or out of place.
    """
    payment = selectors.payment_by_id(wish.payment_id)
    if payment.provider == Provider.OFFLINE:
        return _by_hand(wish, by=by)
    if wish.receipt:
        raise _receipt_fault("not_allowed", "The provider makes this refund; a receipt belongs to one made by hand.")
    provider = required(payment.provider)
    with transaction.atomic(durable=True):
        payment = locks.payment(wish.payment_id)
        if (before := _asked_before(wish)) is not None:
            return before
        amount = _checked(payment, wish.amount, provider)
        refund, call = _reserve(payment, amount=amount, reason=wish.reason, note=wish.note, by=by, once=wish.once)
    if call is not None:
        _attempt(call, by=by)
    refund = Refund.objects.get(pk=refund.pk)
    if refund.state == RefundState.CANCELED:
        _checked(selectors.payment_by_id(wish.payment_id), refund.amount, provider)
    return refund


def record_receipt(*, refund_id: uuid.UUID, receipt: str, by: Actor) -> Refund:
    """Staff have made a refund by hand that waited for it. One that is made already is returned as it is."""
    refund = selectors.refund_by_id(refund_id)
    with transaction.atomic():
        payment = locks.payment(refund.payment_id)
        refund.refresh_from_db()
        if refund.origin != RefundOrigin.MANUAL or refund.state != RefundState.REQUESTED:
            return refund
        _require_new_receipt(payment, receipt)
        return _made(payment, refund, receipt, by=by)


def refund_cancelled(*, booking_id: uuid.UUID, by: Actor) -> int:
    """Pay back what a booking owes, newest payment first; returns how many refunds were asked for.

    What came by hand goes back by hand: such a refund waits for staff and its receipt. Stops where an earlier refund
    was refused: staff must see to it. Raises ProviderError while the provider is away; what was asked for keeps its key
    and is resumed by the sweep.
    """
    for done in range(MOST_AT_ONCE):
        with transaction.atomic(durable=True):
            reserved = _reserve_owed(booking_id, by=by)
        if reserved is None:
            return done
        _, call = reserved
        if call is not None:
            refunds.complete(call=call, by=by)
    return MOST_AT_ONCE


def _asked_before(wish: Wish) -> Refund | None:
    return Refund.objects.filter(idempotency_key=f"refund_{wish.once}").first() if wish.once else None


def _attempt(call: ProviderCall, *, by: Actor) -> None:
    try:
        refunds.complete(call=call, by=by, background=False)
    except ProviderError:
        return  # written down with its key: the sweep goes on with it


def _checked(payment: Payment, wanted: int | None, provider: PaymentProvider | None) -> int:
    """The amount to pay back; raises every refusal that needs no provider."""
    if payment.status != Status.SUCCEEDED or not payment.amount_captured:
        raise NotCaptured(members={"status": payment.status})
    if payment.dispute_state == DisputeState.OPEN:
        raise DisputeOpen
    left, currency = selectors.refundable(payment), selectors.received_currency(payment)
    amount = left if wanted is None else wanted
    if amount > left or not left:
        raise ExceedsRefundable(members={"refundable": left, "currency": currency})
    if provider and provider.check(amount=amount, currency=currency) == AmountNotRepresentable.code:
        raise AmountNotRepresentable
    return amount


def _by_hand(wish: Wish, *, by: Actor) -> Refund:
    if not wish.receipt:
        raise _receipt_fault("required", "A refund made by hand needs the number of its receipt.")
    with transaction.atomic():
        payment = locks.payment(wish.payment_id)
        if (before := _asked_before(wish)) is not None:
            return before
        waiting = selectors.refunds_by_hand(selectors.refunds_of(payment.pk))
        if wish.amount is not None:
            waiting = waiting.filter(amount=wish.amount)
        refund = waiting.order_by("created_at", "id").first()
        if refund is None:
            amount = _checked(payment, wish.amount, None)
            _require_new_receipt(payment, wish.receipt)
            refund, _ = _reserve(payment, amount=amount, reason=wish.reason, note=wish.note, by=by, once=wish.once)
        else:
            _require_new_receipt(payment, wish.receipt)
        return _made(payment, refund, wish.receipt, by=by)


def _made(payment: Payment, refund: Refund, receipt: str, *, by: Actor) -> Refund:
    now = db_now()
    refund.state, refund.provider_ref, refund.updated_at = RefundState.SUCCEEDED, receipt, now
    refund.save(update_fields=["state", "provider_ref", "updated_at"])
    ledger.refund(payment=payment, refund=refund, now=now)
    after = {"amount": refund.amount, "receipt": receipt}
    record(action="refund.succeeded", by=by, target=Target.of(refund), after=after)
    refunds.recount(payment=payment, by=by, now=now)
    return refund


def _require_new_receipt(payment: Payment, receipt: str) -> None:
    """A number that another refund has is a slip of the pen; the table's constraint stands behind this."""
    if Refund.objects.filter(provider=payment.provider, provider_ref=receipt).exists():
        raise _receipt_fault("taken", "Another refund has this receipt.")


def _receipt_fault(code: str, detail: str) -> ValidationFailed:
    return ValidationFailed(errors=[FieldError(code, detail, pointer="#/receipt")])


def _reserve_owed(booking_id: uuid.UUID, *, by: Actor) -> tuple[Refund, ProviderCall | None] | None:
    """The next refund that a booking owes; None when nothing is owed, or nothing of it can be paid back by us."""
    booking = booking_money.lock(booking_id=booking_id)
    owed = bookings.refund_owed(booking) - selectors.refund_pending_of(booking_id)
    if owed <= 0 or selectors.has_failed_refund(booking_id):
        return None
    payment = next((one for one in _paid(booking_id, booking.currency) if selectors.refundable(one)), None)
    if payment is None:
        return None
    amount = min(owed, selectors.refundable(payment))
    return _reserve(payment, amount=amount, reason=RefundReason.REQUESTED_BY_CUSTOMER, note="", by=by)


def _paid(booking_id: uuid.UUID, currency: str) -> QuerySet[Payment]:
    """A booking's payments that arrived in its currency and that no bank holds back, newest first, locked."""
    paid = Payment.objects.filter(booking=booking_id, status=Status.SUCCEEDED, provider_currency=currency)
    free = paid.exclude(dispute_state=DisputeState.OPEN)
    return free.select_for_update(of=("self",), no_key=True).order_by("-created_at", "-id")


def _reserve(
    payment: Payment, *, amount: int, reason: str, note: str, by: Actor, once: uuid.UUID | None = None
) -> tuple[Refund, ProviderCall | None]:  # fmt: skip
    """Write a refund down with its call, if a provider makes it, and keep its amount from every other refund.

    Needs the payment's lock.
    """
    now = db_now()
    refund = _row(payment, amount=amount, reason=reason, note=note, by=by, once=once, now=now)
    refunds.recount(payment=payment, by=by, now=now)
    after = {"amount": refund.amount, "currency": refund.currency, "payment": str(payment.pk), "reason": reason}
    record(action="refund.requested", by=by, target=Target.of(refund), after=after)
    if refund.origin == RefundOrigin.MANUAL:
        return refund, None
    request: dict[str, str | int] = {"amount": refund.amount, "payment": payment.provider_ref or ""}
    return refund, calls.begin(operation=Operation.REFUND, now=now, request=request, refund=refund)


def _row(
    payment: Payment, *, amount: int, reason: str, note: str, by: Actor, once: uuid.UUID | None, now: datetime
) -> Refund:
    refund_id = uuid7()
    by_hand = payment.provider == Provider.OFFLINE
    return Refund.objects.create(
        id=refund_id,
        payment=payment,
        provider=payment.provider,
        amount=amount,
        currency=selectors.received_currency(payment),
        reason=reason,
        note=note,
        requested_by=by.ref,
        idempotency_key=f"refund_{once or refund_id}",
        origin=RefundOrigin.MANUAL if by_hand else RefundOrigin.OURS,
        created_at=now,
        updated_at=now,
    )
