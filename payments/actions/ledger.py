"""Postings: each once, each in balance."""

from collections.abc import Mapping
from datetime import datetime

from payments.constants import Account, Posting
from payments.models import LedgerAccount, LedgerEntry, LedgerTransaction, Payment, Refund


def post(
    *,
    kind: Posting,
    payment: Payment,
    external_ref: str,
    currency: str,
    entries: Mapping[str, int],
    now: datetime,
) -> bool:
    """Post signed amounts by account (debits positive); False when the same thing was posted before.

    Needs a transaction: the database refuses its commit unless the amounts sum to zero.
    """
    header = LedgerTransaction(
        provider=payment.provider, kind=kind, payment=payment, external_ref=external_ref, occurred_at=now
    )
    LedgerTransaction.objects.bulk_create([header], ignore_conflicts=True)
    if not LedgerTransaction.objects.filter(pk=header.pk).exists():
        return False
    accounts = _accounts(list(entries))
    LedgerEntry.objects.bulk_create(
        LedgerEntry(transaction=header, account=accounts[code], amount=amount, currency=currency)
        for code, amount in entries.items()
    )
    return True


def capture(*, payment: Payment, amount: int, currency: str, now: datetime, known: bool) -> None:
    """Money arrived: D clearing, C revenue; C suspense where it is not `known` what it is for."""
    credit = Account.REVENUE if known else Account.SUSPENSE
    entries = {Account.clearing(payment.provider, currency): amount, credit: -amount}
    post(
        kind=Posting.CAPTURE,
        payment=payment,
        external_ref=payment.provider_charge_ref or payment.provider_ref or str(payment.pk),
        currency=currency,
        entries=entries,
        now=now,
    )


def refund(*, payment: Payment, refund: Refund, now: datetime) -> None:
    """Money went back: D refunds, C clearing."""
    _refund(Posting.REFUND, payment, refund, refund.amount, now)


def refund_reversed(*, payment: Payment, refund: Refund, now: datetime) -> None:
    """A refund came back: the reversing entry."""
    _refund(Posting.REFUND_REVERSED, payment, refund, -refund.amount, now)


def _refund(kind: Posting, payment: Payment, refund: Refund, amount: int, now: datetime) -> None:
    entries = {Account.REFUNDS: amount, Account.clearing(payment.provider, refund.currency): -amount}
    post(
        kind=kind,
        payment=payment,
        external_ref=refund.provider_ref or str(refund.pk),
        currency=refund.currency,
        entries=entries,
        now=now,
    )


def _accounts(codes: list[str]) -> dict[str, LedgerAccount]:
    LedgerAccount.objects.bulk_create([LedgerAccount(code=code) for code in codes], ignore_conflicts=True)
    return {account.code: account for account in LedgerAccount.objects.filter(code__in=codes)}
