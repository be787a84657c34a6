"""Payments that staff had to look at."""

import uuid

from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from payments import locks
from payments.models import Payment


def settle(*, payment_id: uuid.UUID, by: Actor) -> Payment:
    """Staff have decided: the payment no longer waits. One that does not wait is returned as it is."""
    with transaction.atomic():
        payment = locks.payment(payment_id)
        if payment.review_reason is None:
            return payment
        before = {"review_reason": payment.review_reason}
        payment.review_reason, payment.updated_at = None, db_now()
        payment.lock_version += 1
        payment.save(update_fields=["review_reason", "updated_at", "lock_version"])
        record(
            action="payment.reviewed",
            by=by,
            target=Target.of(payment),
            before=before,
            after={"review_reason": None},
        )
        return payment
