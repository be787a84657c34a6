"""The sweeps of a reconciliation, in an order in which each leaves less to the next."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta
from itertools import islice
from typing import TypeVar

from django.db.models import Q, QuerySet

from common.actor import Actor
from payments import selectors
from payments.actions.comparing import Comparison
from payments.actions.comparing_balance import Balance
from payments.actions.comparing_followups import Followups
from payments.actions.findings import Findings
from payments.actions.vanishing import Vanishing
from payments.constants import OPEN_REFUNDS, OPEN_STATUSES, PAYMENT_PREFIX, RECONCILE_DAYS
from payments.models import Dispute, Drift, Payment, Refund
from payments.providers.errors import ProviderError
from payments.providers.protocol import PaymentProvider, Snapshot
from payments.reports import Options, Progress

PAYOUT_REACH_DAYS = 10  # a payout may be under way for so long before the bank has it
T = TypeVar("T")
Compare = Callable[[list[T]], None]


class Sweeps:
    """One run over one window; `beat` is called after each step, and may end the run by raising."""

    def __init__(
        self,
        options: Options,
        provider: PaymentProvider,
        findings: Findings,
        *,
        by: Actor,
        progress: Progress,
        beat: Callable[[], None],
    ) -> None:
        self._options = options
        self._provider = provider
        self._report = findings.report
        self._payments = Comparison(provider, findings, by=by)
        self._followups = Followups(provider, findings, by=by)
        self._balance = Balance(provider, findings)
        self._vanishing = Vanishing(provider, findings.report, by=by, beat=beat)
        self._progress = progress
        self._beat = beat

    def run(self) -> None:
        """A: what was begun in the window. D: refunds and disputes made in it. B: what else was missed in it.

        C: what is open here. D again: fees and payouts, now that all they belong to is known. At last what earlier runs
        left open and this one did not find. Raises ProviderError when a list cannot be read to its end.
        """
        window = {"since": self._options.since, "until": self._options.until}
        self._pages("payment_intents", self._provider.list_changes(**window), self._payments.batch)
        self._pages("refunds", self._provider.list_refunds(**window), self._followups.refunds)
        self._pages("disputes", self._provider.list_disputes(**window), self._followups.disputes)
        self._missed()
        self._open_here()
        self._pages("balance_transactions", self._provider.list_entries(**window), self._balance.entries)
        reach = window | {"since": self._options.since - timedelta(days=PAYOUT_REACH_DAYS)}
        self._pages(
            "payouts",
            self._provider.list_payouts(**reach),
            lambda page: self._balance.payouts(page, since=self._options.since),
        )
        self._look_for_vanished(Drift.objects.all())

    def only(self, wanted: str) -> None:
        """One payment, by our id or the provider's, with its refunds and disputes."""
        payment = Payment.objects.filter(provider=self._provider.name, provider_ref=wanted).first()
        if payment is None and not wanted.startswith(PAYMENT_PREFIX):
            payment = selectors.payment_by_id(wanted)
        self._report.scanned["local"] += 1
        if payment is None:
            self._payments.fetch(wanted, None)
        else:
            self._payments.local(payment)
        self._followups.look((payment and payment.provider_ref) or (wanted if payment is None else ""))
        about = Q(provider_ref=wanted) if payment is None else Q(payment=payment)
        self._look_for_vanished(Drift.objects.filter(about))

    def _look_for_vanished(self, drifts: QuerySet[Drift]) -> None:
        if not self._report.dry_run:
            self._report.vanished = self._vanishing.look(drifts)

    def _pages(self, what: str, items: Iterable[T], compare: Compare[T]) -> None:
        iterator = iter(items)
        while page := list(islice(iterator, self._options.batch)):
            compare(page)
            self._report.scanned[what] += len(page)
            self._step(what, self._share(page[-1]))

    def _missed(self) -> None:
        """Events about what began before the window; the lists have shown the rest."""
        begun = int(self._options.since.timestamp())
        for event in self._provider.missed(since=self._options.since, until=self._options.until):
            self._report.scanned["events"] += 1
            if event.created < begun and event.follows:
                self._followups.look(event.payment_ref)
            elif event.created < begun:
                self._payments.event(event.payment_ref)
            self._step("events", 1)

    def _open_here(self) -> None:
        for payment in self._open_payments():
            self._report.scanned["local"] += 1
            self._payments.local(payment)
            self._step("local", 1)
        for refund in self._open_refunds():
            self._report.scanned["local"] += 1
            self._followups.local(refund)
            self._step("local", 1)
        for dispute in self._open_disputes():
            self._report.scanned["local"] += 1
            self._followups.look(dispute.payment.provider_ref or "")
            self._step("local", 1)

    def _open_payments(self) -> Iterator[Payment]:
        answered = Q(provider_ref__isnull=False) | Q(created_at__lte=self._options.until)  # others may be under way
        rows = Payment.objects.filter(
            answered,
            provider=self._provider.name,
            livemode=self._provider.livemode,
            status__in=OPEN_STATUSES,
            created_at__gte=self._oldest(),
        )
        return rows.order_by("created_at", "id").iterator(chunk_size=self._options.batch)

    def _open_refunds(self) -> Iterator[Refund]:
        rows = Refund.objects.filter(
            provider=self._provider.name,
            payment__livemode=self._provider.livemode,
            state__in=OPEN_REFUNDS,
            created_at__gte=self._oldest(),
            created_at__lte=self._options.until,
        )
        return rows.select_related("payment").order_by("created_at", "id").iterator(chunk_size=self._options.batch)

    def _open_disputes(self) -> Iterator[Dispute]:
        rows = Dispute.objects.filter(
            provider=self._provider.name,
            payment__livemode=self._provider.livemode,
            closed_at__isnull=True,
            opened_at__gte=self._oldest(),
        )
        return rows.select_related("payment").order_by("opened_at", "id").iterator(chunk_size=self._options.batch)

    def _oldest(self) -> datetime:
        return self._options.until - timedelta(days=RECONCILE_DAYS)

    def _share(self, last: object) -> float:
        """How much of the window lies behind: lists run from its end to its beginning."""
        since, until = self._options.since.timestamp(), self._options.until.timestamp()
        created = last.created if isinstance(last, Snapshot) else since
        return min(1.0, max(0.0, (until - created) / max(1.0, until - since)))

    def _step(self, what: str, share: float) -> None:
        self._progress(what, self._report.scanned[what], share)
        if len(self._report.errors) > self._options.max_errors:
            raise ProviderError("Too many payments could not be compared.")
        self._beat()
