"""Lines of the provider's balance, booked: fees, exchanges, payouts, and what nobody can explain."""

from dataclasses import dataclass
from datetime import datetime

from payments import selectors
from payments.actions import ledger
from payments.constants import RefundState
from payments.models import Dispute, Payment, Refund
from payments.providers.protocol import BalanceEntry, EntryKind, PayoutSnapshot

REFUNDS = frozenset({EntryKind.REFUND, EntryKind.REFUND_FAILURE})
DISPUTES = frozenset({EntryKind.DISPUTE, EntryKind.DISPUTE_REVERSAL})
PAYOUTS = frozenset({EntryKind.PAYOUT, EntryKind.PAYOUT_REVERSAL})
PAID = "paid"
FAILED_PAYOUT = frozenset({"failed", "canceled"})


@dataclass(frozen=True, slots=True)
class Booked:
    """What became of a line: `known` is False for one whose charge, refund or dispute has no row here (yet).

    `new` says that something was posted now; such a line is not booked before its row is there.
    """

    known: bool
    new: bool
    payment: Payment | None = None


@dataclass(frozen=True, slots=True)
class _Source:
    """The row behind a line, with what it posted in its own currency: positive where clearing grew."""

    payment: Payment
    amount: int
    currency: str


def book(*, entry: BalanceEntry, provider: str) -> Booked:
    """Book one line, once. Needs a transaction.

    The capture, refund or dispute itself is posted from its own object; here its fee and, where the provider settles
    in another currency, the exchange. A payout is booked as such, everything else goes to suspense. What a line has
    beyond our minor units is left out: the reconciliation tells people of it.
    """
    if entry.kind in PAYOUTS:
        return Booked(True, _payout(entry, provider))
    if entry.kind == EntryKind.OTHER:
        return Booked(True, ledger.suspense(entry=entry, provider=provider))
    source = _source(entry, provider)
    if source is None:
        return Booked(False, False)
    charged = ledger.fee(entry=entry, provider=provider, payment=source.payment)
    exchanged = ledger.exchange(
        entry=entry, provider=provider, payment=source.payment, amount=source.amount, currency=source.currency
    )
    return Booked(True, charged or exchanged, source.payment)


def payment_behind(*, entry: BalanceEntry, provider: str) -> Payment | None:
    """The payment that a line belongs to, by its charge, refund or dispute; None for one that has none here."""
    known = None if entry.kind == EntryKind.OTHER else _source(entry, provider)
    return known.payment if known else None


def book_payout(*, payout: PayoutSnapshot, provider: str, now: datetime) -> bool:
    """Book a payout from its own object, in whichever order its events come; False when nothing was new."""
    failed = payout.state in FAILED_PAYOUT
    if payout.state != PAID and not failed:
        return False
    ref, amount, currency = payout.ref, payout.amount, payout.currency
    new = ledger.payout(provider=provider, ref=ref, amount=amount, currency=currency, at=now)
    if not failed:
        return new
    return ledger.payout_reversed(provider=provider, ref=ref, amount=amount, currency=currency, at=now)


def _payout(entry: BalanceEntry, provider: str) -> bool:
    write = ledger.payout if entry.kind == EntryKind.PAYOUT else ledger.payout_reversed
    ref, amount = entry.source_ref or entry.ref, abs(entry.amount)
    return write(provider=provider, ref=ref, amount=amount, currency=entry.currency, at=entry.created)


def _source(entry: BalanceEntry, provider: str) -> _Source | None:
    if entry.kind in DISPUTES:
        return _of_dispute(entry, Dispute.objects.filter(provider=provider, provider_ref=entry.source_ref).first())
    if entry.kind in REFUNDS:
        return _of_refund(entry, Refund.objects.filter(provider=provider, provider_ref=entry.source_ref).first())
    payments = Payment.objects.filter(provider=provider, provider_charge_ref=entry.source_ref, amount_captured__gt=0)
    payment = payments.first()
    if payment is None:
        return None
    return _Source(payment, payment.amount_captured, selectors.received_currency(payment))


def _of_refund(entry: BalanceEntry, refund: Refund | None) -> _Source | None:
    if refund is None or refund.state == RefundState.REQUESTED:
        return None
    return _Source(refund.payment, _signed(refund.amount, entry), refund.currency)


def _of_dispute(entry: BalanceEntry, dispute: Dispute | None) -> _Source | None:
    return _Source(dispute.payment, _signed(dispute.amount, entry), dispute.currency) if dispute else None


def _signed(amount: int, entry: BalanceEntry) -> int:
    return amount if entry.amount > 0 else -amount
