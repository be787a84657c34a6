"""Comparing the lines of the provider's balance with the ledger: fees, exchanges, payouts and their sums."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import Model

from common.clock import db_now
from payments.actions import balances
from payments.actions.findings import REPAIRED, WOULD_REPAIR, Findings
from payments.constants import NOTE_LENGTH, DriftKind, Posting, Severity
from payments.models import Dispute, Drift, LedgerTransaction, Payment, Refund
from payments.providers.errors import ProviderError
from payments.providers.protocol import BalanceEntry, EntryKind, PaymentProvider, PayoutSnapshot

PAYOUT_POSTINGS = {EntryKind.PAYOUT: Posting.PAYOUT, EntryKind.PAYOUT_REVERSAL: Posting.PAYOUT_REVERSED}
FEE_FREE = {
    EntryKind.REFUND: Refund,
    EntryKind.REFUND_FAILURE: Refund,
    EntryKind.DISPUTE: Dispute,
    EntryKind.DISPUTE_REVERSAL: Dispute,
}
Key = tuple[str, str]


class Balance:
    """One comparison of the balance under way."""

    def __init__(self, provider: PaymentProvider, findings: Findings) -> None:
        self._provider = provider
        self._findings = findings

    def entries(self, found: Sequence[BalanceEntry]) -> None:
        """Compare a page of lines: at most three queries, and more only for what is not booked."""
        wanted = [(entry, _posting(entry)) for entry in found]
        posted = self._posted(key for _, key in wanted if key)
        missing = [entry for entry, key in wanted if key and key not in posted]
        missing += self._exchanges([entry for entry, key in wanted if key is None])
        known = self._known(missing)
        for entry in missing:
            if entry.ref in known:
                self._book(entry)
            else:
                self._findings.report.foreign += 1
        self._rests([entry for entry in found if not entry.exact and entry.kind not in PAYOUT_POSTINGS])

    def payouts(self, found: Sequence[PayoutSnapshot], *, since: datetime) -> None:
        """Compare a page of payouts: one query, and the lines of each new one whose list is final.

        A payout is new that was not booked yet, or was begun `since` then.
        """
        wanted = [(payout, _payout_posting(payout)) for payout in found]
        posted = self._posted(key for _, key in wanted if key)
        for payout, key in wanted:
            booked = key is None or key in posted
            if not booked:
                self._book_payout(payout)
            if key is not None and payout.rest and not self._accepted([payout.ref]):
                amounts = {"amount": payout.amount}, {"amount": str(payout.amount + payout.rest)}
                self._mismatch(payout.ref, *amounts, currency=payout.currency, payment=None)
            if payout.complete and (not booked or payout.created >= since):
                self._sum(payout)

    def _rests(self, entries: Sequence[BalanceEntry]) -> None:
        """Lines that our minor units cannot hold: booked without the rest, which a person must know of once.

        Such a line never changes, so that what staff have settled is not brought up again.
        """
        known = self._known(entries)
        settled = self._accepted([entry.ref for entry in entries])
        for entry in entries:
            if entry.ref in known - settled:
                local = {"fee": entry.fee, "net": entry.net}
                remote = {"fee": str(entry.fee + entry.rest_fee), "net": str(entry.net + entry.rest_net)}
                remote["kind"] = entry.kind.value
                payment = balances.payment_behind(entry=entry, provider=self._provider.name)
                self._mismatch(entry.ref, local, remote, currency=entry.currency, payment=payment)

    def _accepted(self, refs: Sequence[str]) -> set[str]:
        if not refs:
            return set()
        said = Drift.objects.filter(
            provider=self._provider.name, kind=DriftKind.AMOUNT_MISMATCH, provider_ref__in=refs,
            resolved_at__isnull=False,
        )  # fmt: skip
        return set(said.values_list("provider_ref", flat=True))

    def _mismatch(
        self, ref: str, local: dict[str, Any], remote: dict[str, Any], *, currency: str, payment: Payment | None
    ) -> None:  # fmt: skip
        self._findings.add(
            DriftKind.AMOUNT_MISMATCH,
            Severity.WARNING,
            ref=ref,
            payment=payment,
            local=local | {"currency": currency},
            remote=remote | {"currency": currency},
        )

    def _posted(self, keys: Iterable[Key]) -> set[Key]:
        refs = {ref for _, ref in keys}
        if not refs:
            return set()
        kinds = (Posting.FEE, Posting.EXCHANGE, Posting.SUSPENSE, *PAYOUT_POSTINGS.values())
        rows = LedgerTransaction.objects.filter(provider=self._provider.name, kind__in=kinds, external_ref__in=refs)
        return set(rows.values_list("kind", "external_ref"))

    def _exchanges(self, entries: Sequence[BalanceEntry]) -> list[BalanceEntry]:
        """Of the lines without a fee those in another currency than their refund or dispute, and not booked."""
        other: list[BalanceEntry] = []
        for model in (Refund, Dispute):
            mine = [entry for entry in entries if FEE_FREE.get(entry.kind) is model]
            currencies = dict(self._rows(model, mine, "currency")) if mine else {}
            other += [one for one in mine if currencies.get(one.source_ref, one.currency) != one.currency]
        posted = self._posted((Posting.EXCHANGE, entry.ref) for entry in other)
        return [entry for entry in other if (Posting.EXCHANGE, entry.ref) not in posted]

    def _known(self, entries: Sequence[BalanceEntry]) -> set[str]:
        """The lines whose charge, refund or dispute has a row here; those that need none are known too."""
        known = {entry.ref for entry in entries if entry.kind in PAYOUT_POSTINGS or entry.kind == EntryKind.OTHER}
        for model in (Payment, Refund, Dispute):
            mine = [one for one in entries if one.ref not in known and FEE_FREE.get(one.kind, Payment) is model]
            sources = {ref for ref, _ in self._rows(model, mine, "pk")} if mine else set()
            known |= {entry.ref for entry in mine if entry.source_ref in sources}
        return known

    def _rows(self, model: type[Model], entries: Sequence[BalanceEntry], field: str) -> list[tuple[str, Any]]:
        name = "provider_charge_ref" if model is Payment else "provider_ref"
        wanted = {"provider": self._provider.name, f"{name}__in": [entry.source_ref for entry in entries]}
        return list(model._default_manager.filter(**wanted).values_list(name, field))

    def _book(self, entry: BalanceEntry) -> None:
        if self._findings.dry_run:
            self._find(entry, None, WOULD_REPAIR)
            return
        with transaction.atomic():
            booked = balances.book(entry=entry, provider=self._provider.name)
        with_payment = booked.payment is not None and booked.payment.pk in self._findings.brought_up
        if booked.new and not with_payment:
            self._find(entry, booked.payment, REPAIRED)

    def _find(self, entry: BalanceEntry, payment: Payment | None, action: str) -> None:
        payout = entry.kind in PAYOUT_POSTINGS
        self._findings.add(
            DriftKind.STATUS_BEHIND if payout else DriftKind.FEE_MISSING,
            Severity.INFO if entry.kind == EntryKind.OTHER else Severity.WARNING,
            ref=entry.source_ref if payout else entry.ref,
            payment=payment,
            remote={
                "kind": entry.kind.value,
                "description": entry.description[:NOTE_LENGTH],
                "fee": entry.fee,
                "net": entry.net,
                "currency": entry.currency,
            },
            action=action,
        )

    def _book_payout(self, payout: PayoutSnapshot) -> None:
        if not self._findings.dry_run:
            with transaction.atomic():
                balances.book_payout(payout=payout, provider=self._provider.name, now=db_now())
        if payout.ref in self._findings.seen:
            return  # found by its line of the balance
        self._findings.add(
            DriftKind.STATUS_BEHIND,
            Severity.WARNING,
            ref=payout.ref,
            remote={"status": payout.state, "amount": payout.amount, "currency": payout.currency},
            action=WOULD_REPAIR if self._findings.dry_run else REPAIRED,
        )

    def _sum(self, payout: PayoutSnapshot) -> None:
        """The lines of a payout must come to its amount."""
        try:
            lines = self._provider.entries_of_payout(payout.ref)
            net = sum((entry.net + entry.rest_net for entry in lines), Decimal())
        except ProviderError as error:
            self._findings.fault(payout.ref, error)
            return
        if net != payout.amount + payout.rest:
            self._findings.add(
                DriftKind.PAYOUT_SUM,
                Severity.CRITICAL,
                ref=payout.ref,
                local={"sum": _whole(net), "currency": payout.currency},
                remote={"amount": _whole(payout.amount + payout.rest), "currency": payout.currency},
            )


def _whole(amount: Decimal) -> int | str:
    """A number where it is one of minor units, else its text."""
    return int(amount) if amount == int(amount) else str(amount)


def _posting(entry: BalanceEntry) -> Key | None:
    """What the ledger must hold of a line; None where that depends on its refund's or dispute's currency."""
    if entry.kind in PAYOUT_POSTINGS:
        return PAYOUT_POSTINGS[entry.kind], entry.source_ref or entry.ref
    if entry.kind == EntryKind.OTHER:
        return (Posting.SUSPENSE, entry.ref) if entry.net else None
    return (Posting.FEE, entry.ref) if entry.fee else None


def _payout_posting(payout: PayoutSnapshot) -> Key | None:
    if payout.state in balances.FAILED_PAYOUT:
        return Posting.PAYOUT_REVERSED, payout.ref
    return (Posting.PAYOUT, payout.ref) if payout.state == balances.PAID else None
