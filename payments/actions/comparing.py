"""Comparing the payments that the provider shows with ours, and repairing ours as webhooks do."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import transaction

from common.actor import Actor
from common.clock import db_now
from common.errors import DomainError
from payments import selectors
from payments.actions import adoption, apply, looks, mirroring, opening
from payments.actions.findings import NEEDS_PERSON, REPAIRED, WOULD_REPAIR, Findings
from payments.constants import OPEN_STATUSES, TRANSITIONS, DriftKind, ReviewReason, Severity, Status
from payments.models import Payment
from payments.providers.errors import NotFound, ProviderError
from payments.providers.protocol import PaymentProvider, Snapshot

REVIEW_KINDS = {
    ReviewReason.PAID_AFTER_CLOSE: DriftKind.PAID_AFTER_CLOSE,
    ReviewReason.BOOKING_NOT_CONFIRMED: DriftKind.PAID_AFTER_CLOSE,
    ReviewReason.DUPLICATE_PAYMENT: DriftKind.DUPLICATE_CHARGE,
}


class Comparison:
    """One comparison of payments under way."""

    def __init__(self, provider: PaymentProvider, findings: Findings, *, by: Actor) -> None:
        self.findings = findings
        self._provider = provider
        self._by = by

    def batch(self, snapshots: Sequence[Snapshot]) -> None:
        """Compare a page of the provider's list: at most three queries, and more only for what differs."""
        rows = self._rows(snapshots)
        for snapshot in snapshots:
            if snapshot.status in OPEN_STATUSES:
                self.findings.seen.add(snapshot.ref)
            self._compare(snapshot, rows.get(snapshot.ref))
        if not self.findings.dry_run:
            mirroring.refresh(pairs=[(rows[one.ref], one) for one in snapshots if one.ref in rows])

    def event(self, ref: str) -> None:
        """Compare a payment about which an event was missed, unless we know of its money."""
        known = Payment.objects.filter(provider=self._provider.name, provider_ref=ref).first()
        if ref in self.findings.seen or (known is not None and known.status == Status.SUCCEEDED):
            return
        self.fetch(ref, known)

    def local(self, payment: Payment) -> None:
        """Compare an open row of ours with what the provider shows of it."""
        if payment.provider_ref is None:
            self._resume(payment)
        elif payment.provider_ref not in self.findings.seen:
            self.fetch(payment.provider_ref, payment)

    def fetch(self, ref: str, payment: Payment | None) -> None:
        """Ask for one payment and compare it."""
        try:
            snapshot = self._provider.fetch(ref)
        except NotFound as error:
            if payment is None:
                self.findings.fault(ref, error)
            else:
                self._find(DriftKind.MISSING_REMOTE, Severity.CRITICAL, payment, None)
            return
        except ProviderError as error:
            self.findings.fault(ref, error)
            return
        if payment is None:
            payment = selectors.match(snapshot, provider=self._provider.name)
        self._compare(snapshot, payment)

    def _rows(self, snapshots: Sequence[Snapshot]) -> dict[str, Payment]:
        rows = Payment.objects.filter(
            provider=self._provider.name, livemode=self._provider.livemode, provider_ref__in=[s.ref for s in snapshots]
        )
        found = {payment.provider_ref or "": payment for payment in rows}
        ids: dict[UUID, str] = {}
        for snapshot in snapshots:
            ours = selectors.metadata_id(snapshot.metadata, "payment_id")
            if ours is not None and snapshot.ref not in found:
                ids[ours] = snapshot.ref
        if ids:
            found |= {ids[payment.pk]: payment for payment in Payment.objects.filter(pk__in=list(ids))}
        return found

    def _compare(self, snapshot: Snapshot, payment: Payment | None) -> None:
        try:
            self._judge(snapshot, payment)
        except (ProviderError, DomainError, apply.Refetch) as error:
            self.findings.fault(snapshot.ref, error)

    def _judge(self, snapshot: Snapshot, payment: Payment | None) -> None:
        if payment is None:
            self._missing_local(snapshot)
        elif snapshot.livemode != payment.livemode:
            self._find(DriftKind.MODE_MISMATCH, Severity.CRITICAL, payment, snapshot)
        elif payment.provider_ref not in {None, snapshot.ref}:
            self._other_object(snapshot, payment)
        else:
            differs = self._differs(snapshot, payment)
            if not differs or snapshot.status != payment.status:
                self._status(snapshot, payment)

    def _missing_local(self, snapshot: Snapshot) -> None:
        if not selectors.is_ours(snapshot):
            self.findings.report.foreign += 1
            return
        if self.findings.dry_run:
            self._find(DriftKind.MISSING_LOCAL, Severity.CRITICAL, None, snapshot, action=WOULD_REPAIR)
            return
        with transaction.atomic():
            now = db_now()
            payment = adoption.adopt(snapshot=snapshot, provider=self._provider.name, by=self._by, now=now)
            if payment is not None:
                payment = apply.apply(payment_id=payment.pk, snapshot=snapshot, by=self._by, now=now).payment
        action = NEEDS_PERSON if payment is None else REPAIRED
        self._find(DriftKind.MISSING_LOCAL, Severity.CRITICAL, payment, snapshot, action=action)

    def _other_object(self, snapshot: Snapshot, payment: Payment) -> None:
        """A second object for one payment of ours matters only when money came with it."""
        if snapshot.status == Status.SUCCEEDED:
            self._find(DriftKind.DUPLICATE_CHARGE, Severity.CRITICAL, payment, snapshot)
        else:
            self.findings.report.foreign += 1

    def _differs(self, snapshot: Snapshot, payment: Payment) -> bool:
        """Another currency or amount than ours needs a person; the state is brought up all the same."""
        kind = None
        arrived = payment.status == Status.SUCCEEDED and snapshot.status == Status.SUCCEEDED
        if snapshot.currency != payment.currency:
            kind = DriftKind.CURRENCY_MISMATCH
        elif (
            snapshot.amount != payment.amount
            or not snapshot.exact
            or (arrived and snapshot.amount_received != payment.amount_captured)
        ):
            kind = DriftKind.AMOUNT_MISMATCH
        if kind is None:
            return False
        self._find(kind, Severity.CRITICAL, payment, snapshot)
        return True

    def _status(self, snapshot: Snapshot, payment: Payment) -> None:
        if snapshot.status == payment.status:
            self.findings.report.in_sync += 1
        elif snapshot.status not in TRANSITIONS[payment.status]:
            self._find(DriftKind.STATUS_BEHIND, Severity.WARNING, payment, snapshot)
        elif self.findings.dry_run:
            self._find(DriftKind.STATUS_BEHIND, Severity.WARNING, payment, snapshot, action=WOULD_REPAIR)
        else:
            self._repair(snapshot, payment)

    def _repair(self, snapshot: Snapshot, payment: Payment) -> None:
        try:
            with transaction.atomic():
                now = db_now()
                done = apply.apply(
                    payment_id=payment.pk, snapshot=snapshot, by=self._by, now=now, seen=payment.lock_version
                ).payment
        except apply.Refetch:
            done = looks.sync(payment_id=payment.pk, by=self._by)
        self._find(DriftKind.STATUS_BEHIND, Severity.WARNING, payment, snapshot, action=REPAIRED)
        kind = REVIEW_KINDS.get(ReviewReason(done.review_reason)) if done.review_reason else None
        if kind is not None:
            self._find(kind, Severity.CRITICAL, done, snapshot)

    def _resume(self, payment: Payment) -> None:
        """A row whose creation has no answer: the same key again; a dry run leaves it."""
        if self.findings.dry_run:
            self._find(DriftKind.STATUS_BEHIND, Severity.WARNING, payment, None, action=WOULD_REPAIR)
            return
        try:
            if opening.resume(payment_id=payment.pk, provider=self._provider, by=self._by):
                self._find(DriftKind.STATUS_BEHIND, Severity.WARNING, payment, None, action=REPAIRED)
        except (ProviderError, DomainError) as error:
            self.findings.fault(str(payment.pk), error)

    def _find(
        self,
        kind: DriftKind,
        severity: Severity,
        payment: Payment | None,
        snapshot: Snapshot | None,
        *,
        action: str = NEEDS_PERSON,
    ) -> None:
        known = (payment.provider_ref or str(payment.pk)) if payment else ""
        self.findings.add(
            kind,
            severity,
            ref=snapshot.ref if snapshot else known,
            payment=payment,
            local=_shown(payment) if payment else None,
            remote=_shown(snapshot) if snapshot else None,
            action=action,
        )


def _shown(side: Payment | Snapshot) -> dict[str, Any]:
    return {"status": side.status, "amount": side.amount, "currency": side.currency}
