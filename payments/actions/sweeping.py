"""The net below the rest: calls without an answer, payments that nobody will pay, refunds that are owed."""

import logging
from collections.abc import Callable
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import F, Q

from bookings import selectors as bookings
from bookings.actions import cancellation
from bookings.constants import Purpose
from bookings.constants import Status as BookingStatus
from common.actor import Actor
from common.clock import db_now
from common.errors import DomainError
from payments import selectors
from payments.actions import apply, calls, cancelling, looks, opening, refunds
from payments.constants import (
    CALL_STALE_SECONDS,
    RESUMABLE_CALLS,
    SWEEP_BATCH,
    UNPAID_STATUSES,
    CallState,
    Operation,
)
from payments.models import Payment, ProviderCall
from payments.providers import get
from payments.providers.errors import ProviderError

logger = logging.getLogger(__name__)
DEAD_BOOKINGS = (BookingStatus.CANCELLED, BookingStatus.DECLINED, BookingStatus.EXPIRED, BookingStatus.NO_SHOW)


def sweep(*, by: Actor) -> None:
    """One pass. What fails is logged and left to the next pass; one row's trouble stops no other."""
    for call in _unanswered():
        _try(partial(_resolve, call, by=by), what="call", key=call.idempotency_key)
    for payment in _hopeless():
        give_up = partial(cancelling.cancel, payment_id=payment.pk, by=by, background=True)
        _try(give_up, what="payment", key=str(payment.pk))
    _ask_for_refunds(by=by)


def _unanswered() -> list[ProviderCall]:
    old = db_now() - timedelta(seconds=CALL_STALE_SECONDS)
    waiting = ProviderCall.objects.filter(state__in=(*RESUMABLE_CALLS, CallState.SENT), started_at__lte=old)
    return list(waiting.select_related("payment__booking", "refund").order_by("started_at")[:SWEEP_BATCH])


def _resolve(call: ProviderCall, *, by: Actor) -> None:
    if not calls.claim(call=call, now=db_now()):
        return
    if call.operation == Operation.REFUND:
        refunds.complete(call=call, by=by)
    elif call.operation == Operation.CREATE and call.payment is not None:
        provider = get(call.payment.provider, background=True)
        opening.complete(call=call, payment=call.payment, provider=provider, by=by)
    elif call.payment_id is not None:
        looks.sync(payment_id=call.payment_id, by=by)
        calls.finish(call=call, answer=calls.NO_ANSWER)


def _hopeless() -> list[Payment]:
    """Open payments whose hold ran out, whose booking is closed, or which ask for more than what is left to pay."""
    over = Q(expires_at__lte=db_now(), booking__status=BookingStatus.HELD) | Q(booking__status__in=DEAD_BOOKINGS)
    paid = Q(booking__paid_amount__gt=0, purpose__in=(Purpose.DEPOSIT, Purpose.FULL))
    too_much = Q(amount__gt=F("booking__price_amount") - F("booking__paid_amount"))
    waiting = Payment.objects.filter(over | paid | too_much, status__in=UNPAID_STATUSES, provider_ref__isnull=False)
    return list(waiting.order_by("created_at")[:SWEEP_BATCH])


def _ask_for_refunds(*, by: Actor) -> None:
    for booking in bookings.bookings_owing_refunds()[:SWEEP_BATCH]:
        owed = bookings.refund_owed(booking) - selectors.refund_pending_of(booking.pk)
        if owed > 0 and not selectors.has_failed_refund(booking.pk):
            with transaction.atomic():
                cancellation.ask_for_refund(booking=booking, by=by)


def _try(step: Callable[[], object], *, what: str, key: str) -> None:
    try:
        step()
    except (ProviderError, DomainError, apply.Refetch) as error:
        logger.warning("sweep_step_failed", extra={"what": what, "key": key, "error": type(error).__name__})
