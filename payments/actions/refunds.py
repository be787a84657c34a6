"""Refunds and the provider: asking for one, and bringing our rows and sums to what it shows."""

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Sum

from audit.actions import record
from bookings import selectors as bookings
from bookings.actions import payments as booking_money
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from jobs.actions import alert
from payments import locks, selectors
from payments.actions import calls, disputes, ledger
from payments.constants import (
    NOTE_LENGTH,
    OPEN_REFUNDS,
    DisputeState,
    RefundOrigin,
    RefundReason,
    RefundState,
)
from payments.models import Payment, ProviderCall, Refund
from payments.providers import get
from payments.providers.errors import OutcomeUnknown, ProviderError, Unavailable
from payments.providers.protocol import DisputeSnapshot, PaymentProvider, RefundSnapshot

logger = logging.getLogger(__name__)


def complete(*, call: ProviderCall, by: Actor, background: bool = True) -> None:
    """Make the call of a refund, which is claimed, and settle it. Raises ProviderError while the outcome is unknown.

    One that the provider refuses is `canceled` where the money has gone another way meanwhile, by a refund made in the
    dashboard or a dispute, and `failed`, which people are told of, where it has not.
    """
    refund = Refund.objects.select_related("payment").get(calls=call)
    provider = get(refund.provider, background=background)
    try:
        snapshot = calls.make(call=call, ask=lambda: _ask(call, refund, provider))
    except (Unavailable, OutcomeUnknown) as error:
        if not (isinstance(error, OutcomeUnknown) and error.final):
            raise
        _settle_from_list(refund, provider, by=by)
        return
    except ProviderError as error:
        _refused(refund, error, provider, by=by)
        return
    with transaction.atomic(durable=True):
        apply_set(payment_id=refund.payment_id, found=[snapshot], by=by, now=db_now())
        calls.finish(call=call, answer=snapshot.answer)


def apply_set(*, payment_id: uuid.UUID, found: Sequence[RefundSnapshot], by: Actor, now: datetime) -> None:
    """Bring the refunds of a payment to what the provider shows and count them again; needs a transaction.

    Nothing is added up from events, so it does not matter how often or in which order they come.
    """
    payment = locks.payment(payment_id)
    for one in found:
        _bring(payment, one, by=by, now=now)
    recount(payment=payment, by=by, now=now)


def recount(*, payment: Payment, by: Actor, now: datetime) -> None:
    """Set the payment's sums, and its booking's, from its refunds, in one UPDATE each; needs the payment's lock.

    While all of the money is back nothing is left to review; should a refund fail, the review waits again.
    """
    refunded = _sum(payment, (RefundState.SUCCEEDED,))
    if refunded > payment.amount_captured:
        logger.error("over_refunded", extra={"payment": str(payment.pk), "refunded": refunded})
        refunded = payment.amount_captured
    pending = min(_sum(payment, OPEN_REFUNDS), payment.amount_captured - refunded)
    if (refunded, pending) == (payment.amount_refunded, payment.amount_refund_pending):
        return
    payment.amount_refunded, payment.amount_refund_pending = refunded, pending
    _judge_review(payment)
    payment.lock_version, payment.updated_at = payment.lock_version + 1, now
    payment.save(
        update_fields=[
            "amount_refunded", "amount_refund_pending", "review_reason", "review_paused", "lock_version", "updated_at",
        ]
    )  # fmt: skip
    _tell_booking(payment, by=by, now=now)


def _judge_review(payment: Payment) -> None:
    whole = payment.amount_captured > 0 and payment.amount_refunded == payment.amount_captured
    if whole and payment.review_reason:
        payment.review_reason, payment.review_paused = None, payment.review_reason
    elif not whole and payment.review_paused:
        payment.review_reason, payment.review_paused = payment.review_paused, None


def _ask(call: ProviderCall, refund: Refund, provider: PaymentProvider) -> RefundSnapshot:
    return provider.refund(
        refund.payment.provider_ref or "",
        refund_id=refund.pk,
        amount=refund.amount,
        currency=refund.currency,
        reason=refund.reason,
        key=call.idempotency_key,
    )


def _settle_from_list(refund: Refund, provider: PaymentProvider, *, by: Actor) -> None:
    """The key will answer with the same fault for a day: the list of refunds tells whether it acted."""
    found = provider.refunds_of(refund.payment.provider_ref or "")
    ours = [one for one in found if one.metadata.get("refund_id") == str(refund.pk)]
    with transaction.atomic(durable=True):
        if ours:
            apply_set(payment_id=refund.payment_id, found=ours, by=by, now=db_now())
        for call in refund.calls.all():
            done = calls.finish if ours else calls.fail
            done(call=call, answer=ours[0].answer if ours else calls.NO_ANSWER)
        if not ours:
            _close_as_failed(refund, "The provider failed and made no refund.", by=by)


def _refused(refund: Refund, error: ProviderError, provider: PaymentProvider, *, by: Actor) -> None:
    """The provider may know of something that we do not: what it shows now is recorded before anything is decided."""
    logger.warning("refund_refused", extra={"refund": str(refund.pk), "code": error.code})
    found, disputed = _shown(refund, provider)
    why = error.message or error.code
    with transaction.atomic(durable=True):
        now = db_now()
        disputes.apply_set(payment_id=refund.payment_id, found=disputed, by=by, now=now)
        apply_set(payment_id=refund.payment_id, found=found, by=by, now=now)
        payment = locks.payment(refund.payment_id)
        refund.refresh_from_db()
        if refund.provider_ref:  # an earlier call had made it, and its key is forgotten by now
            return
        _change(refund, RefundState.CANCELED, ref=None, why=why, now=now)
        recount(payment=payment, by=by, now=now)
        if payment.dispute_state == DisputeState.OPEN or refund.amount > selectors.refundable(payment):
            record(
                action="refund.canceled", by=by, target=Target.of(refund), after={"failure_reason": why[:NOTE_LENGTH]}
            )
        else:
            _close_as_failed(refund, why, by=by)


def _shown(refund: Refund, provider: PaymentProvider) -> tuple[list[RefundSnapshot], list[DisputeSnapshot]]:
    """All refunds and disputes of the refund's payment; none where the provider is away just then."""
    ref = refund.payment.provider_ref or ""
    try:
        return provider.refunds_of(ref), provider.disputes_of(ref)
    except ProviderError as error:
        logger.warning("refund_not_looked_up", extra={"refund": str(refund.pk), "error": str(error)})
        return [], []


def _close_as_failed(refund: Refund, why: str, *, by: Actor) -> None:
    now = db_now()
    payment = locks.payment(refund.payment_id)
    _change(refund, RefundState.FAILED, ref=refund.provider_ref, why=why, now=now)
    _tell_failure(refund, by=by)
    recount(payment=payment, by=by, now=now)


def _bring(payment: Payment, one: RefundSnapshot, *, by: Actor, now: datetime) -> None:
    refund = _row(payment, one)
    if refund is None:
        refund = _adopt(payment, one, by=by, now=now)
    before = refund.state
    if before == one.state and refund.provider_ref == one.ref:
        return
    if before == RefundState.FAILED and refund.provider_ref:
        return  # the provider's own failure is its last word
    _change(refund, RefundState(one.state), ref=one.ref, why=one.failure_reason, now=now)
    if one.state == RefundState.SUCCEEDED and before != RefundState.SUCCEEDED:
        ledger.refund(payment=payment, refund=refund, now=now)
        record(action="refund.succeeded", by=by, target=Target.of(refund), after={"amount": refund.amount})
    if one.state in {RefundState.FAILED, RefundState.CANCELED} and before == RefundState.SUCCEEDED:
        ledger.refund_reversed(payment=payment, refund=refund, now=now)
        record(action="refund.reversed", by=by, target=Target.of(refund), after={"amount": refund.amount})
    if one.state == RefundState.FAILED:
        _tell_failure(refund, by=by)


def _row(payment: Payment, one: RefundSnapshot) -> Refund | None:
    """Our row: by the provider's id, else by the id that we gave it as metadata."""
    rows = Refund.objects.filter(payment=payment)
    ours = selectors.metadata_id(one.metadata, "refund_id")
    return rows.filter(provider_ref=one.ref).first() or (
        rows.filter(pk=ours, provider_ref__isnull=True).first() if ours else None
    )


def _adopt(payment: Payment, one: RefundSnapshot, *, by: Actor, now: datetime) -> Refund:
    """A refund that was made at the provider, by its dashboard."""
    known = one.reason if one.reason in RefundReason.values else ""
    refund = Refund.objects.create(
        payment=payment,
        provider=payment.provider,
        amount=one.amount,
        currency=one.currency,
        reason=known,
        requested_by=f"provider:{payment.provider}",
        idempotency_key=f"external_{one.ref}",
        origin=RefundOrigin.EXTERNAL,
        created_at=now,
        updated_at=now,
    )
    record(action="refund.recorded", by=by, target=Target.of(refund), after={"amount": one.amount})
    return refund


def _change(refund: Refund, state: RefundState, *, ref: str | None, why: str, now: datetime) -> None:
    refund.state, refund.provider_ref, refund.updated_at = state, ref, now
    refund.failure_reason = why[:NOTE_LENGTH]
    refund.save(update_fields=["state", "provider_ref", "failure_reason", "updated_at"])


def _tell_failure(refund: Refund, *, by: Actor) -> None:
    record(action="refund.failed", by=by, target=Target.of(refund), after={"failure_reason": refund.failure_reason})
    alert(
        code="refund_failed",
        record=str(refund.pk),
        summary="A refund failed; the customer has not got their money.",
        path=f"/admin/payments/payment/{refund.payment_id}/change/",
        by=by,
    )


def _tell_booking(payment: Payment, *, by: Actor, now: datetime) -> None:
    booking = bookings.booking_by_id(payment.booking_id)
    in_its_currency = Payment.objects.filter(booking=booking.pk, provider_currency=booking.currency)
    total = in_its_currency.aggregate(total=Sum("amount_refunded"))["total"] or 0
    booking_money.record_refund(
        booking_id=booking.pk, refunded_amount=min(total, booking.paid_amount), by=by, now=now
    )  # fmt: skip


def _sum(payment: Payment, states: tuple[RefundState, ...]) -> int:
    found = Refund.objects.filter(payment=payment, state__in=states).aggregate(total=Sum("amount"))
    return int(found["total"] or 0)
