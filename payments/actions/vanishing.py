"""Open differences that a run did not find again: each is compared once more by itself, to tell whether it is gone.

A run asks for some of them only: it goes on after the one at which the last run stopped, so that all get their turn.
"""

from collections.abc import Callable
from uuid import UUID

from django.db.models import QuerySet

from common.actor import Actor
from payments.actions.comparing import REVIEW_KINDS, Comparison
from payments.actions.comparing_balance import Balance
from payments.actions.comparing_followups import Followups
from payments.actions.findings import Findings
from payments.constants import ENTRY_PREFIX, PAYMENT_PREFIX, PAYOUT_PREFIX, DriftKind, ReviewReason
from payments.models import Drift, Payment, ReconciliationRun
from payments.providers.errors import ProviderError
from payments.providers.protocol import PaymentProvider
from payments.reports import ASKED_UNTIL, Report

MOST_ASKED = 100  # of one run: each costs calls, of which the provider allows so many a second


class Vanishing:
    """Looks at what earlier runs left open, without repairing or reporting anything."""

    def __init__(self, provider: PaymentProvider, report: Report, *, by: Actor, beat: Callable[[], None]) -> None:
        self._provider = provider
        self._report = report
        self._by = by
        self._beat = beat

    def look(self, drifts: QuerySet[Drift]) -> list[UUID]:
        """Those of the open differences that are gone, and those that this run has repaired."""
        open_now = {(one.kind, one.ref) for one in self._report.drift if one.human}
        repaired = {(one.kind, one.ref) for one in self._report.drift} - open_now
        gone = []
        asked = 0
        for drift in self._in_turn(drifts):
            self._beat()
            key = (drift.kind, drift.provider_ref)
            if key in repaired:
                gone.append(drift.pk)
            elif key not in open_now and asked < MOST_ASKED and _can_be_asked_for(drift):
                asked += 1
                if self._is_gone(drift):
                    gone.append(drift.pk)
                if asked == MOST_ASKED:
                    self._report.asked_until = drift.pk
        return gone

    def _in_turn(self, drifts: QuerySet[Drift]) -> list[Drift]:
        """Those that wait, the longest unlooked-at first: what follows the last run's end, then the rest."""
        open_ones = drifts.filter(provider=self._provider.name, resolved_at__isnull=True)
        waiting = list(open_ones.select_related("payment").order_by("id"))  # ids grow with time
        runs = ReconciliationRun.objects.filter(provider=self._provider.name, flags__payment="")
        last = runs.filter(counters__has_key=ASKED_UNTIL).order_by("-started_at", "-id").first()
        if last is None:
            return waiting
        until = UUID(last.counters[ASKED_UNTIL])
        return sorted(waiting, key=lambda drift: drift.pk <= until)

    def _is_gone(self, drift: Drift) -> bool:
        """Whether a comparison that went through does not show it."""
        seen = Report(since=self._report.since, until=self._report.until, dry_run=True)
        try:
            self._compare(drift, drift.payment, Findings(seen))
        except ProviderError:
            return False
        kinds = {one.kind for one in seen.drift if one.ref == drift.provider_ref}
        unknown_there = any(one.kind == DriftKind.MISSING_REMOTE for one in seen.drift)
        return not seen.errors and not unknown_there and drift.kind not in kinds

    def _compare(self, drift: Drift, payment: Payment | None, findings: Findings) -> None:
        ref = drift.provider_ref
        if ref.startswith(PAYOUT_PREFIX):
            payout = self._provider.payout(ref)
            Balance(self._provider, findings).payouts([payout], since=payout.created)
            return
        payments = Comparison(self._provider, findings, by=self._by)
        if payment is None or ref.startswith(PAYMENT_PREFIX):
            payments.fetch(ref, _unless_other(payment, ref))
        if payment is not None and payment.provider_ref:
            if payment.provider_ref != ref:
                payments.fetch(payment.provider_ref, payment)
            Followups(self._provider, findings, by=self._by).look(payment.provider_ref)


def _unless_other(payment: Payment | None, ref: str) -> Payment | None:
    """The row to compare with; None for a second object, whose row is found by its metadata."""
    return payment if payment is not None and payment.provider_ref in {None, ref} else None


def _can_be_asked_for(drift: Drift) -> bool:
    """Whether a comparison could close it. A person's decision is never taken from them."""
    return not drift.provider_ref.startswith(ENTRY_PREFIX) and not _waits_for_review(drift, drift.payment)


def _waits_for_review(drift: Drift, payment: Payment | None) -> bool:
    """Whether the difference is money that staff have to decide on, and they have not."""
    if payment is None or not payment.review_reason:
        return False
    return REVIEW_KINDS.get(ReviewReason(payment.review_reason)) == drift.kind
