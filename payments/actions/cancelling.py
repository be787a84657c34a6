"""Giving up a payment that nobody has paid yet, at its provider too."""

import uuid

from django.db import transaction

from common.actor import Actor
from common.clock import db_now
from payments import locks, selectors
from payments.actions import apply, calls, looks
from payments.constants import CANCELABLE_STATUSES, RETRY_AFTER_SECONDS, Operation, Status
from payments.errors import NotCancelable, ProviderUnavailable
from payments.models import Payment, ProviderCall
from payments.providers import required
from payments.providers.errors import InvalidRequest, ProviderError


def cancel(*, payment_id: uuid.UUID, by: Actor, background: bool = False) -> Payment:
    """Cancel the payment; a cancelled one is returned as it is.

    Raises NotFound, NotCancelable (paid, in process, or not yet known to the provider), PaymentsNotConfigured and
    ProviderUnavailable, after which a repetition is safe.
    """
    payment = selectors.payment_by_id(payment_id)
    if payment.status == Status.CANCELED:
        return payment
    if payment.status not in CANCELABLE_STATUSES:
        raise NotCancelable(members={"status": payment.status})
    provider = required(payment.provider, background=background)
    call = _begin(payment_id)
    try:
        snapshot = calls.make(
            call=call, ask=lambda: provider.cancel(payment.provider_ref or "", key=call.idempotency_key)
        )
    except InvalidRequest:
        return _look_again(payment_id, by=by)
    except ProviderError as error:
        raise ProviderUnavailable(
            retry_after=RETRY_AFTER_SECONDS, members={"id": str(payment_id), "status": payment.status}
        ) from error
    with transaction.atomic(durable=True):
        applied = apply.apply(payment_id=payment_id, snapshot=snapshot, by=by, now=db_now())
        calls.finish(call=call, answer=snapshot.answer)
    return _require_canceled(applied.payment)


def _begin(payment_id: uuid.UUID) -> ProviderCall:
    with transaction.atomic(durable=True):
        payment = locks.payment(payment_id)
        if payment.status not in CANCELABLE_STATUSES:
            raise NotCancelable(members={"status": payment.status})
        request: dict[str, str | int] = {"ref": payment.provider_ref or ""}
        return calls.begin(operation=Operation.CANCEL, now=db_now(), request=request, payment=payment)


def _look_again(payment_id: uuid.UUID, *, by: Actor) -> Payment:
    """The provider would not cancel: it knows of something that we do not."""
    try:
        return _require_canceled(looks.sync(payment_id=payment_id, by=by, background=False))
    except (ProviderError, apply.Refetch) as error:
        raise ProviderUnavailable(retry_after=RETRY_AFTER_SECONDS) from error


def _require_canceled(payment: Payment) -> Payment:
    if payment.status != Status.CANCELED:
        raise NotCancelable(members={"status": payment.status})
    return payment
