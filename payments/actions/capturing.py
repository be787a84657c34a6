"""Taking money that a customer has approved and nobody has taken yet."""

import uuid

from django.db import transaction

from common.actor import Actor
from common.clock import db_now
from payments import locks, selectors
from payments.actions import apply, calls, looks
from payments.constants import OPEN_STATUSES, RETRY_AFTER_SECONDS, Operation, Provider, Status
from payments.errors import ProviderUnavailable
from payments.models import Payment, ProviderCall
from payments.providers import required
from payments.providers.errors import InvalidRequest, ProviderError
from payments.providers.protocol import PaymentProvider


def capture(*, payment_id: uuid.UUID, by: Actor) -> Payment:
    """Capture the payment if it is authorized; look an open one up first. Again: the same payment.

    Raises NotFound, PaymentsNotConfigured and ProviderUnavailable, after which a repetition is safe.
    """
    payment = selectors.payment_by_id(payment_id)
    if payment.provider == Provider.OFFLINE or payment.status not in OPEN_STATUSES:
        return payment
    provider = required(payment.provider)
    if payment.status != Status.AUTHORIZED:
        payment = _look(payment_id, by=by)
    if payment.status != Status.AUTHORIZED:
        return payment
    return _take(payment_id, provider, by=by)


def _take(payment_id: uuid.UUID, provider: PaymentProvider, *, by: Actor) -> Payment:
    call = _begin(payment_id)
    if call is None:
        return selectors.payment_by_id(payment_id)
    payment = selectors.payment_by_id(payment_id)
    try:
        snapshot = calls.make(
            call=call, ask=lambda: provider.capture(payment.provider_ref or "", key=call.idempotency_key)
        )
    except InvalidRequest:
        return _look(payment_id, by=by)
    except ProviderError as error:
        raise _unavailable(payment) from error
    with transaction.atomic(durable=True):
        applied = apply.apply(payment_id=payment_id, snapshot=snapshot, by=by, now=db_now())
        calls.finish(call=call, answer=snapshot.answer)
    return applied.payment


def _begin(payment_id: uuid.UUID) -> ProviderCall | None:
    with transaction.atomic(durable=True):
        payment = locks.payment(payment_id)
        if payment.status != Status.AUTHORIZED:
            return None
        request: dict[str, str | int] = {"ref": payment.provider_ref or ""}
        return calls.begin(operation=Operation.CAPTURE, now=db_now(), request=request, payment=payment)


def _look(payment_id: uuid.UUID, *, by: Actor) -> Payment:
    try:
        return looks.sync(payment_id=payment_id, by=by, background=False)
    except (ProviderError, apply.Refetch) as error:
        raise _unavailable(selectors.payment_by_id(payment_id)) from error


def _unavailable(payment: Payment) -> ProviderUnavailable:
    members = {"id": str(payment.pk), "status": payment.status}
    return ProviderUnavailable(retry_after=RETRY_AFTER_SECONDS, members=members)
