"""The one place where a payment's state changes: for the answer of a call, a webhook, a look and a reconciliation.

Every function needs a transaction and locks Booking → Payment. A transition and its effects stand or fall together.
"""

import logging
import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from audit.actions import record
from bookings import selectors as bookings
from bookings.actions import payments as booking_money
from common.actor import Actor
from common.target import Target
from jobs.actions import enqueue
from payments import client_secret, locks
from payments.actions import ledger, receipts
from payments.constants import (
    ERROR_CODE_LENGTH,
    ERROR_TEXT_LENGTH,
    OPEN_STATUSES,
    SYNC_JOB,
    TRANSITIONS,
    ReviewReason,
    Status,
)
from payments.models import Payment
from payments.providers.protocol import Snapshot

logger = logging.getLogger(__name__)

APPLIED, UNCHANGED, LATE = "applied", "unchanged", "late"
REFUSED, FOREIGN, OTHER_MODE = "refused", "foreign", "other_mode"


class Refetch(Exception):
    """What was given may be older than what is known: the provider must be asked, outside the transaction."""

    def __init__(self, ref: str) -> None:
        super().__init__(ref)
        self.ref = ref


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a snapshot: one of the words above."""

    payment: Payment
    outcome: str


def apply(
    *,
    payment_id: uuid.UUID,
    snapshot: Snapshot,
    by: Actor,
    now: datetime,
    is_event: bool = False,
    seen: int | None = None,
) -> Applied:
    """Bring the payment to what the provider shows, with all effects.

    An event (`is_event`) that is not newer than what was applied, or whose state cannot follow the present one, raises
    Refetch. So does a look that began when the row's `lock_version` was `seen` and was overtaken by another change.
    """
    payment = locks.payment(payment_id)
    if snapshot.livemode != payment.livemode:
        return Applied(payment, OTHER_MODE)
    if payment.provider_ref not in {None, snapshot.ref}:
        return Applied(payment, FOREIGN)
    if is_event and payment.status == Status.SUCCEEDED:
        return Applied(payment, UNCHANGED if snapshot.status == Status.SUCCEEDED else LATE)
    if is_event and _is_doubtful(payment, snapshot):
        raise Refetch(snapshot.ref)
    if seen is not None and payment.lock_version != seen:
        raise Refetch(snapshot.ref)
    return _bring(payment, snapshot, by=by, now=now, looked=not is_event)


def fail(*, payment_id: uuid.UUID, code: str, message: str, by: Actor, now: datetime) -> Payment:
    """Close a payment that the provider never began; others are left as they are."""
    payment = locks.payment(payment_id)
    if payment.status == Status.CREATING and payment.provider_ref is None:
        error = {"last_error_code": code[:ERROR_CODE_LENGTH], "last_error_message": message[:ERROR_TEXT_LENGTH]}
        _save(payment, {"status": Status.FAILED, "client_secret": None, **error}, now)
        record(action="payment.failed", by=by, target=Target.of(payment), after={"status": Status.FAILED, **error})
    return payment


def _is_doubtful(payment: Payment, snapshot: Snapshot) -> bool:
    """Stripe's clock has whole seconds: equal ones say nothing about the order."""
    if snapshot.as_of <= payment.provider_version:
        return True
    return snapshot.status != payment.status and snapshot.status not in TRANSITIONS[payment.status]


def _bring(payment: Payment, snapshot: Snapshot, *, by: Actor, now: datetime, looked: bool) -> Applied:
    quiet: dict[str, Any] = {"provider_version": max(payment.provider_version, snapshot.as_of)}
    if looked:
        quiet["provider_synced_at"] = now
    changes = _mirror(payment, snapshot)
    outcome = APPLIED
    if snapshot.status != payment.status:
        if snapshot.status in TRANSITIONS[payment.status]:
            changes |= {"status": snapshot.status}
        else:
            logger.warning(
                "payment_transition_refused",
                extra={"payment": str(payment.pk), "from_state": payment.status, "to_state": snapshot.status},
            )
            changes, outcome = {}, REFUSED
    changes = {name: value for name, value in changes.items() if getattr(payment, name) != value}
    if "status" in changes:
        _enter(payment, snapshot, changes, by=by, now=now)
    if not changes:
        Payment.objects.filter(pk=payment.pk).update(**quiet)
        return Applied(payment, REFUSED if outcome == REFUSED else UNCHANGED)
    _save(payment, {**changes, **quiet}, now)
    if changes.get("status") == Status.SUCCEEDED:
        receipts.send_receipt(payment=payment, by=by)
        _ask_for_fee(payment, by=by)
    return Applied(payment, outcome)


def _ask_for_fee(payment: Payment, *, by: Actor) -> None:
    """The fee stands in the charge's balance transaction, which no event holds: have the payment looked up once."""
    enqueue(kind=SYNC_JOB, args={"payment_id": str(payment.pk)}, by=by, dedupe_key=str(payment.pk))


def _mirror(payment: Payment, snapshot: Snapshot) -> dict[str, Any]:
    """What the row repeats of the provider's object."""
    found: dict[str, Any] = {
        "provider_ref": snapshot.ref,
        "provider_status": snapshot.raw_status,
        "provider_currency": snapshot.currency,
        "provider_charge_ref": snapshot.charge_ref or payment.provider_charge_ref,
    }
    if snapshot.status != Status.SUCCEEDED:
        found["last_error_code"] = snapshot.error_code[:ERROR_CODE_LENGTH]
        found["last_error_message"] = snapshot.error_message[:ERROR_TEXT_LENGTH]
    if payment.client_secret is None and snapshot.status in OPEN_STATUSES and snapshot.client_secret:
        found["client_secret"] = client_secret.seal(snapshot.client_secret, payment.pk)
    return found


def _enter(payment: Payment, snapshot: Snapshot, changes: dict[str, Any], *, by: Actor, now: datetime) -> None:
    """The effects of entering a state; they add to `changes`."""
    if snapshot.status == Status.SUCCEEDED:
        _succeed(payment, snapshot, changes, by=by, now=now)
    elif snapshot.status == Status.PROCESSING:
        if booking_money.extend_hold(booking_id=payment.booking_id, by=by, now=now):
            changes["expires_at"] = bookings.booking_by_id(payment.booking_id).hold_expires_at
    elif snapshot.status in {Status.CANCELED, Status.FAILED}:
        changes["client_secret"] = None
        event = "payment.canceled" if snapshot.status == Status.CANCELED else "payment.failed"
        before, after = {"status": payment.status}, {"status": snapshot.status}
        record(action=event, by=by, target=Target.of(payment), before=before, after=after)


def _succeed(payment: Payment, snapshot: Snapshot, changes: dict[str, Any], *, by: Actor, now: datetime) -> None:
    """Money arrived: write it down wherever it counts, and say what of it staff must look at."""
    review = _review(payment, snapshot)
    received, currency = snapshot.amount_received, snapshot.currency
    payment.provider_ref, payment.provider_charge_ref = snapshot.ref, changes.get(
        "provider_charge_ref", payment.provider_charge_ref
    )  # fmt: skip
    same_currency = currency == payment.currency
    if received:
        ledger.capture(payment=payment, amount=received, currency=currency, now=now, known=same_currency)
    if received and same_currency:
        done = booking_money.record_success(
            booking_id=payment.booking_id, amount=received, purpose=payment.purpose, by=by, now=now
        )
        if done == booking_money.Outcome.NEEDS_REVIEW:
            review = review or ReviewReason.BOOKING_NOT_CONFIRMED
    changes |= {
        "amount_captured": received,
        "provider_amount": snapshot.provider_amount,
        "client_secret": None,
        "expires_at": None,
        "review_reason": review,
        "last_error_code": "",
        "last_error_message": "",
    }
    after = {"status": Status.SUCCEEDED, "amount_captured": received, "currency": currency}
    record(action="payment.succeeded", by=by, target=Target.of(payment), before={"status": payment.status}, after=after)
    if review:
        record(action="payment.needs_review", by=by, target=Target.of(payment), after={"review_reason": review})


def _review(payment: Payment, snapshot: Snapshot) -> str | None:
    if snapshot.currency != payment.currency:
        return ReviewReason.CURRENCY_MISMATCH
    if not snapshot.exact or snapshot.amount_received != payment.amount:
        return ReviewReason.AMOUNT_MISMATCH
    if not payment.is_current:
        return ReviewReason.DUPLICATE_PAYMENT
    if payment.status in {Status.FAILED, Status.CANCELED}:
        return ReviewReason.PAID_AFTER_CLOSE
    return None


def _save(payment: Payment, changes: dict[str, Any], now: datetime) -> None:
    for name, value in changes.items():
        setattr(payment, name, value)
    payment.lock_version += 1
    payment.updated_at = now
    payment.save(update_fields=["lock_version", "updated_at", *changes])
