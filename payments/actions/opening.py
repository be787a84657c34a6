"""The call that creates a payment at its provider, and its repetition after a lost answer with the same key."""

import uuid
from datetime import datetime, timedelta

from django.db import transaction

from common.actor import Actor
from common.clock import db_now
from common.errors import Unprocessable
from jobs.actions import alert
from payments import selectors
from payments.actions import apply, calls
from payments.constants import (
    CREATED_MARGIN_SECONDS,
    PROVIDER_KEY_HOURS,
    RETRY_AFTER_SECONDS,
    CallState,
    Operation,
    Status,
)
from payments.errors import (
    AmountNotRepresentable,
    AmountTooLarge,
    AmountTooSmall,
    CurrencyNotSupported,
    ProviderRejected,
    ProviderUnavailable,
)
from payments.models import Payment, ProviderCall
from payments.providers.errors import OutcomeUnknown, ProviderError, Unavailable
from payments.providers.protocol import Order, PaymentProvider, Snapshot

LIMITS: dict[str, type[Unprocessable]] = {
    error.code: error for error in (AmountTooSmall, AmountTooLarge, AmountNotRepresentable, CurrencyNotSupported)
}
CURRENCY_PARAMETER = "currency"


def plan(*, payment: Payment, now: datetime) -> ProviderCall:
    """Write down the first call of a payment that this transaction inserted; to be made once it is committed."""
    order = _order(payment)
    request: dict[str, str | int] = {"amount": order.amount, "currency": order.currency, "text": order.description}
    return calls.begin(operation=Operation.CREATE, now=now, request=request, payment=payment, is_new=True)


def open_call(*, payment_id: uuid.UUID) -> ProviderCall | None:
    """The call to create that has no answer yet."""
    unanswered = (CallState.PLANNED, CallState.SENT, CallState.UNKNOWN)
    return ProviderCall.objects.filter(
        payment=payment_id, operation=Operation.CREATE, state__in=unanswered
    ).first()  # fmt: skip


def resume(*, payment_id: uuid.UUID, provider: PaymentProvider, by: Actor) -> bool:
    """Repeat the call that begins a payment if nobody else is at it; returns whether it was ours to repeat.

    Raises what `complete` raises. Needs to be outside a transaction.
    """
    call = open_call(payment_id=payment_id)
    if call is None or not calls.claim(call=call, now=db_now()):
        return False
    complete(call=call, payment=selectors.payment_by_id(payment_id), provider=provider, by=by)
    return True


def complete(*, call: ProviderCall, payment: Payment, provider: PaymentProvider, by: Actor) -> Payment:
    """Make the payment's call, which is claimed, and apply its answer.

    Raises ProviderUnavailable when the payment stays `creating` and can be resumed, and, with the payment closed, one
    of the 422 problems of a refused amount or currency, or ProviderRejected.
    """
    try:
        snapshot = _ask(call, payment, provider)
    except (Unavailable, OutcomeUnknown) as error:
        raise _unavailable(payment, error) from error
    except ProviderError as error:
        raise _rejected(payment, error, by=by) from error
    with transaction.atomic(durable=True):
        now = db_now()
        applied = apply.apply(payment_id=payment.pk, snapshot=snapshot, by=by, now=now)
        calls.finish(call=call, answer=snapshot.answer, now=now)
    return applied.payment


def _ask(call: ProviderCall, payment: Payment, provider: PaymentProvider) -> Snapshot:
    """The provider's answer; where the key cannot be used (again), what its list shows."""
    if call.started_at - payment.created_at >= timedelta(hours=PROVIDER_KEY_HOURS):
        return _find(call, payment, provider)
    try:
        return calls.make(call=call, ask=lambda: provider.create(_order(payment), key=call.idempotency_key))
    except OutcomeUnknown as error:
        if not error.final:
            raise
        return _find(call, payment, provider)


def _find(call: ProviderCall, payment: Payment, provider: PaymentProvider) -> Snapshot:
    margin = timedelta(seconds=CREATED_MARGIN_SECONDS)
    until = payment.created_at + timedelta(hours=PROVIDER_KEY_HOURS)
    found = calls.make(
        call=call, ask=lambda: provider.find(payment.pk, since=payment.created_at - margin, until=until + margin)
    )
    if found is None:
        error = ProviderError("The provider failed and holds nothing of this payment.", code="provider_error")
        calls.fail(call=call, answer=error.answer)
        raise error
    return found


def _order(payment: Payment) -> Order:
    """Depends on nothing that changes: the same key must come with the same parameters."""
    booking = payment.booking
    return Order(
        payment_id=payment.pk,
        booking_id=booking.pk,
        purpose=payment.purpose,
        attempt=payment.attempt,
        amount=payment.amount,
        currency=payment.currency,
        description=f"{booking.reference} {booking.service_title}"[:200],
    )


def _unavailable(payment: Payment, error: ProviderError) -> ProviderUnavailable:
    wait = error.retry_after if isinstance(error, Unavailable) else RETRY_AFTER_SECONDS
    return ProviderUnavailable(retry_after=wait, members={"id": str(payment.pk), "status": Status.CREATING.value})


def _rejected(payment: Payment, error: ProviderError, *, by: Actor) -> Exception:
    """Close the payment and say why; what only we can mend is an alert."""
    known = LIMITS.get(error.code)
    if known is None and error.param == CURRENCY_PARAMETER:
        known = CurrencyNotSupported
    with transaction.atomic(durable=True):
        apply.fail(payment_id=payment.pk, code=error.code, message=error.message, by=by, now=db_now())
        if known is None:
            alert(
                code="provider_rejected",
                record=str(payment.pk),
                summary="The payment provider refused to create a payment.",
                path=f"/admin/payments/payment/{payment.pk}/change/",
                by=by,
            )
    return known() if known else ProviderRejected()
