"""Disputes: our rows, amounts and postings brought to what the provider shows; people told in time."""

import logging
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from audit.actions import record
from common.actor import Actor
from common.clock import db_now
from common.target import Target
from jobs.actions import alert
from payments import locks, selectors
from payments.actions import ledger
from payments.constants import (
    ANSWERABLE_DISPUTES,
    CLOSED_DISPUTES,
    DISPUTE_REMIND_DAYS,
    INQUIRIES,
    DisputeFunds,
    DisputeStatus,
)
from payments.models import Dispute, Payment
from payments.providers.protocol import DisputeSnapshot

logger = logging.getLogger(__name__)
REASON_LENGTH = 60
FUNDS_ORDER = (DisputeFunds.NONE, DisputeFunds.WITHDRAWN, DisputeFunds.REINSTATED)


def apply_set(*, payment_id: uuid.UUID, found: Sequence[DisputeSnapshot], by: Actor, now: datetime) -> Payment:
    """Bring the disputes of a payment to what the provider shows and count them again; needs a transaction.

    Nothing is added up from events, so it does not matter how often or in which order they come.
    """
    payment = locks.payment(payment_id)
    changed = [_bring(payment, one, by=by, now=now) for one in found]
    if any(changed):
        _recount(payment, now=now)
    return payment


def remind(*, by: Actor) -> int:
    """Mail about each dispute whose evidence is due within three days, once; returns how many."""
    now = db_now()
    soon = now + timedelta(days=DISPUTE_REMIND_DAYS)
    waiting = Dispute.objects.filter(
        closed_at__isnull=True,
        deadline_told_at__isnull=True,
        status__in=ANSWERABLE_DISPUTES,
        evidence_due_by__gt=now,
        evidence_due_by__lte=soon,
    )
    with transaction.atomic():
        due = list(waiting.select_for_update(of=("self",), no_key=True, skip_locked=True))
        for dispute in due:
            Dispute.objects.filter(pk=dispute.pk).update(deadline_told_at=now, updated_at=now)
            _tell(dispute, "dispute_deadline", "The evidence for a dispute is due in three days or less.", by=by)
    return len(due)


def _bring(payment: Payment, one: DisputeSnapshot, *, by: Actor, now: datetime) -> bool:
    """One row; whether anything changed."""
    dispute = Dispute.objects.filter(provider=payment.provider, provider_ref=one.ref).first()
    if dispute is None:
        _open(payment, one, by=by, now=now)
        return True
    dispute.payment = payment
    if _is_older(dispute, one):
        logger.warning("dispute_transition_refused", extra={"dispute": one.ref, "to_state": one.status})
        return False
    before = _shown(dispute)
    had = {name: getattr(dispute, name) for name in _mirror(one, dispute, now)}
    changes = {name: value for name, value in _mirror(one, dispute, now).items() if had[name] != value}
    if not changes:
        return False
    for name, value in changes.items():
        setattr(dispute, name, value)
    dispute.updated_at = now
    dispute.save(update_fields=[*changes, "updated_at"])
    _post(dispute, now=now)
    record(action=_event(changes), by=by, target=Target.of(dispute), before=before, after=_shown(dispute))
    return True


def _open(payment: Payment, one: DisputeSnapshot, *, by: Actor, now: datetime) -> None:
    dispute = Dispute(
        payment=payment, provider=payment.provider, provider_ref=one.ref, opened_at=one.opened_at,
        created_at=now, updated_at=now,
    )  # fmt: skip
    for name, value in _mirror(one, dispute, now).items():
        setattr(dispute, name, value)
    dispute.save(force_insert=True)
    _post(dispute, now=now)
    record(action="dispute.opened", by=by, target=Target.of(dispute), after=_shown(dispute))
    if dispute.closed_at is None:
        _tell(dispute, "dispute_opened", _sentence(dispute), by=by)


def _mirror(one: DisputeSnapshot, dispute: Dispute, now: datetime) -> dict[str, Any]:
    """What the row repeats of the provider's object."""
    closed = one.status in CLOSED_DISPUTES
    return {
        "amount": one.amount,
        "currency": one.currency,
        "status": one.status,
        "reason": one.reason[:REASON_LENGTH],
        "funds": one.funds,
        "evidence_due_by": one.evidence_due_by,
        "closed_at": (dispute.closed_at or now) if closed else None,
    }


def _is_older(dispute: Dispute, one: DisputeSnapshot) -> bool:
    """A picture from before what we know: a dispute is not opened again, and its money moves one way."""
    reopened = dispute.status in CLOSED_DISPUTES and one.status not in CLOSED_DISPUTES
    return reopened or FUNDS_ORDER.index(DisputeFunds(one.funds)) < FUNDS_ORDER.index(DisputeFunds(dispute.funds))


def _post(dispute: Dispute, *, now: datetime) -> None:
    """Post what the row says beyond what was posted, so that saying it again is harmless."""
    if dispute.funds == DisputeFunds.NONE:
        return
    ledger.dispute_withdrawn(dispute=dispute, now=now)
    if dispute.funds == DisputeFunds.REINSTATED:
        ledger.dispute_lost_reversed(dispute=dispute, now=now)
        ledger.dispute_reinstated(dispute=dispute, now=now)
    elif dispute.status == DisputeStatus.LOST:
        ledger.dispute_lost(dispute=dispute, now=now)


def _recount(payment: Payment, *, now: datetime) -> None:
    """Set the payment's disputed amount and state from all of its disputes, in one UPDATE."""
    disputes = list(Dispute.objects.filter(payment=payment))
    payment.amount_disputed = sum(one.amount for one in disputes if selectors.holds_money(one))
    payment.dispute_state = selectors.dispute_state(disputes)
    payment.lock_version, payment.updated_at = payment.lock_version + 1, now
    payment.save(update_fields=["amount_disputed", "dispute_state", "lock_version", "updated_at"])


def _event(changes: dict[str, Any]) -> str:
    if "closed_at" in changes:
        return "dispute.closed"
    if "funds" in changes:
        return f"dispute.funds_{changes['funds']}"
    return "dispute.updated"


def _shown(dispute: Dispute) -> dict[str, Any]:
    return {"status": str(dispute.status), "funds": str(dispute.funds), "amount": dispute.amount}


def _sentence(dispute: Dispute) -> str:
    if dispute.status in INQUIRIES:
        return "A customer's bank asks about a payment; no money has moved. Answer it to keep it from a dispute."
    return "A customer's bank disputes a payment and took the money. Send the evidence before the deadline."


def _tell(dispute: Dispute, code: str, summary: str, *, by: Actor) -> None:
    due = f" Evidence is due by {dispute.evidence_due_by:%Y-%m-%d %H:%M} UTC." if dispute.evidence_due_by else ""
    path = f"/admin/payments/dispute/{dispute.pk}/change/"
    alert(code=code, record=str(dispute.pk), summary=f"{summary}{due}", path=path, by=by)
