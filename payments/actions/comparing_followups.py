"""Comparing what follows a payment's money: refunds and disputes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import F, Sum
from django.db.models.query_utils import Q

from common.actor import Actor
from common.clock import db_now
from common.errors import DomainError
from payments import selectors
from payments.actions import apply, calls, looks, refunds
from payments.actions.findings import NEEDS_PERSON, REPAIRED, WOULD_REPAIR, Findings
from payments.constants import RESUMABLE_CALLS, CallState, DriftKind, RefundState, Severity
from payments.models import Dispute, Payment, Refund
from payments.providers.errors import ProviderError
from payments.providers.protocol import DisputeSnapshot, PaymentProvider, RefundSnapshot

Followup = RefundSnapshot | DisputeSnapshot


@dataclass(frozen=True, slots=True)
class _Difference:
    """A refund or dispute that is not as the provider shows it; `local` is empty where we have none."""

    kind: DriftKind
    remote: Followup
    local: Mapping[str, Any]


class Followups:
    """One comparison of refunds and disputes under way."""

    def __init__(self, provider: PaymentProvider, findings: Findings, *, by: Actor) -> None:
        self._provider = provider
        self._findings = findings
        self._by = by
        self._looked: set[str] = set()

    def refunds(self, found: Sequence[RefundSnapshot]) -> None:
        """Compare a page of refunds: two queries, and more only for what differs."""
        self._settle(self._refund_differences(found))
        self._over_refunded({one.payment_ref for one in found})

    def disputes(self, found: Sequence[DisputeSnapshot]) -> None:
        """Compare a page of disputes: one query, and more only for what differs."""
        self._settle(self._dispute_differences(found))

    def look(self, payment_ref: str) -> None:
        """Compare all refunds and disputes of one payment, once a run."""
        if not payment_ref or payment_ref in self._looked:
            return
        self._looked.add(payment_ref)
        try:
            found, disputed = self._provider.refunds_of(payment_ref), self._provider.disputes_of(payment_ref)
        except ProviderError as error:
            self._findings.fault(payment_ref, error)
            return
        self._settle([*self._refund_differences(found), *self._dispute_differences(disputed)])
        self._over_refunded({payment_ref})

    def local(self, refund: Refund) -> None:
        """Compare an open refund of ours; one whose call has no answer is asked for again with its key."""
        if refund.provider_ref is not None:
            self.look(refund.payment.provider_ref or "")
            return
        if self._findings.dry_run:
            self._find(refund, WOULD_REPAIR)
            return
        free = (*RESUMABLE_CALLS, CallState.SENT)
        call = refund.calls.filter(state__in=free).order_by("-started_at").first()
        try:
            if call is not None and calls.claim(call=call, now=db_now()):
                refunds.complete(call=call, by=self._by)
                self._find(refund, REPAIRED)
        except (ProviderError, DomainError) as error:
            self._findings.fault(str(refund.pk), error)

    def _refund_differences(self, found: Sequence[RefundSnapshot]) -> list[_Difference]:
        refs = [one.ref for one in found]
        rows = {row.provider_ref: row for row in Refund.objects.filter(self._ours(), provider_ref__in=refs)}
        return [
            _Difference(kind, one, _shown(rows[one.ref]) if one.ref in rows else {})
            for one in found
            if (kind := _refund_difference(rows.get(one.ref), one)) is not None
        ]

    def _dispute_differences(self, found: Sequence[DisputeSnapshot]) -> list[_Difference]:
        refs = [one.ref for one in found]
        rows = {row.provider_ref: row for row in Dispute.objects.filter(self._ours(), provider_ref__in=refs)}
        return [
            _Difference(kind, one, _shown(rows[one.ref]) if one.ref in rows else {})
            for one in found
            if (kind := _dispute_difference(rows.get(one.ref), one)) is not None
        ]

    def _ours(self) -> Q:
        return Q(provider=self._provider.name)

    def _settle(self, differences: Sequence[_Difference]) -> None:
        refs = {one.remote.payment_ref for one in differences if one.remote.payment_ref}
        if not refs:
            self._findings.report.foreign += len(differences)
            return
        rows = Payment.objects.filter(self._ours(), livemode=self._provider.livemode, provider_ref__in=refs)
        payments = {payment.provider_ref: payment for payment in rows}
        repaired = {ref for ref in refs if ref in payments and self._repair(payments[ref])}
        for one in differences:
            payment = payments.get(one.remote.payment_ref)
            if payment is None:
                self._findings.report.foreign += 1
                continue
            self._report(one, payment, repaired=one.remote.payment_ref in repaired)

    def _repair(self, payment: Payment) -> bool:
        """Bring one payment with all that follows it up to date; False in a dry run and when it cannot be."""
        if self._findings.dry_run:
            return False
        try:
            self._bring(payment)
        except (ProviderError, DomainError, apply.Refetch) as error:
            self._findings.fault(payment.provider_ref or "", error)
            return False
        return True

    def _bring(self, payment: Payment) -> None:
        picture = looks.look(ref=payment.provider_ref or "", payment=payment, provider=self._provider)
        try:
            with transaction.atomic():
                looks.bring(payment_id=payment.pk, picture=picture, by=self._by, now=db_now())
        except apply.Refetch:
            looks.sync(payment_id=payment.pk, by=self._by)

    def _report(self, one: _Difference, payment: Payment, *, repaired: bool) -> None:
        action = WOULD_REPAIR if self._findings.dry_run else NEEDS_PERSON
        if repaired and self._agrees(one.remote):
            action = REPAIRED
        unknown = one.kind in {DriftKind.REFUND_UNKNOWN, DriftKind.DISPUTE_UNKNOWN}
        self._findings.add(
            one.kind,
            Severity.CRITICAL if unknown else Severity.WARNING,
            ref=one.remote.ref,
            payment=payment,
            local=one.local,
            remote=_shown_remote(one.remote),
            action=action,
        )

    def _agrees(self, one: Followup) -> bool:
        """Whether our row now says what the provider said, or something later."""
        if isinstance(one, RefundSnapshot):
            refund = Refund.objects.filter(self._ours(), provider_ref=one.ref).first()
            same = refund is not None and refund.amount == one.amount and refund.state != RefundState.REQUESTED
            return same and one.exact
        dispute = Dispute.objects.filter(self._ours(), provider_ref=one.ref).first()
        return dispute is not None and dispute.amount == one.amount and one.exact

    def _over_refunded(self, payment_refs: set[str]) -> None:
        """Payments of which more went back than came, by all the refunds that we know of now."""
        paid_back = Q(refunds__state=RefundState.SUCCEEDED)
        rows = Payment.objects.filter(self._ours(), provider_ref__in=payment_refs)
        for payment in rows.annotate(back=Sum("refunds__amount", filter=paid_back)).filter(
            back__gt=F("amount_captured")
        ):  # fmt: skip
            self._findings.add(
                DriftKind.OVER_REFUNDED,
                Severity.CRITICAL,
                ref=payment.provider_ref or "",
                payment=payment,
                local={"captured": payment.amount_captured, "currency": payment.currency},
                remote={"refunded": payment.back, "currency": payment.currency},
            )

    def _find(self, refund: Refund, action: str) -> None:
        self._findings.add(
            DriftKind.STATUS_BEHIND,
            Severity.WARNING,
            ref=str(refund.pk),
            payment=refund.payment,
            local=_shown(refund),
            action=action,
        )


def _refund_difference(row: Refund | None, one: RefundSnapshot) -> DriftKind | None:
    if row is None:
        ours = selectors.metadata_id(one.metadata, "refund_id")
        asked = ours is not None and Refund.objects.filter(pk=ours, provider_ref__isnull=True).exists()
        return DriftKind.STATUS_BEHIND if asked else DriftKind.REFUND_UNKNOWN
    if row.amount != one.amount or row.currency != one.currency or not one.exact:
        return DriftKind.AMOUNT_MISMATCH
    return None if row.state == one.state else DriftKind.STATUS_BEHIND


def _dispute_difference(row: Dispute | None, one: DisputeSnapshot) -> DriftKind | None:
    if row is None:
        return DriftKind.DISPUTE_UNKNOWN
    if (row.status, row.funds, row.amount) != (one.status, one.funds, one.amount):
        return DriftKind.STATUS_BEHIND
    return None if one.exact else DriftKind.AMOUNT_MISMATCH


def _shown(row: Refund | Dispute) -> dict[str, Any]:
    status = row.state if isinstance(row, Refund) else row.status
    return {"status": status, "amount": row.amount, "currency": row.currency}


def _shown_remote(one: Followup) -> dict[str, Any]:
    status = one.state if isinstance(one, RefundSnapshot) else one.status
    return {"status": status, "amount": one.amount, "currency": one.currency}
