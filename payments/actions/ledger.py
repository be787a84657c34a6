"""Postings: each once, each in balance."""

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Q, Sum

from common.inserts import insert_if_new
from payments.constants import Account, Posting
from payments.models import Dispute, LedgerAccount, LedgerEntry, LedgerTransaction, Payment, Refund
from payments.providers.protocol import BalanceEntry

Side = tuple[str, int, str]
REVISION = ":"  # between a dispute's id and the number of a later line about it


def post(
    *,
    kind: Posting,
    provider: str,
    external_ref: str,
    sides: Iterable[Side],
    occurred_at: datetime,
    payment: Payment | None = None,
) -> bool:
    """Post sides of (account, signed amount, currency), debits positive; False when the same was posted before.

    Needs a transaction: the database refuses its commit unless the amounts sum to zero in each currency.
    """
    header = LedgerTransaction(
        provider=provider, kind=kind, payment=payment, external_ref=external_ref, occurred_at=occurred_at
    )
    if not insert_if_new(header):
        return False
    given = list(sides)
    accounts = _accounts([account for account, _, _ in given])
    LedgerEntry.objects.bulk_create(
        LedgerEntry(transaction=header, account=accounts[account], amount=amount, currency=currency)
        for account, amount, currency in given
    )
    return True


def capture(*, payment: Payment, amount: int, currency: str, now: datetime, known: bool) -> bool:
    """Money arrived: D clearing (by hand: bank), C revenue; C suspense where it is not `known` what it is for."""
    ref = payment.provider_charge_ref or payment.provider_ref or str(payment.pk)
    credit = Account.REVENUE if known else Account.SUSPENSE
    return _about(Posting.CAPTURE, payment, ref, _holds(payment, currency), credit, amount, currency, now)


def refund(*, payment: Payment, refund: Refund, now: datetime) -> bool:
    """Money went back: D refunds, C clearing."""
    ref, held = refund.provider_ref or str(refund.pk), _holds(payment, refund.currency)
    return _about(Posting.REFUND, payment, ref, Account.REFUNDS, held, refund.amount, refund.currency, now)


def refund_reversed(*, payment: Payment, refund: Refund, now: datetime) -> bool:
    """A refund came back: the reversing entry."""
    ref, held = refund.provider_ref or str(refund.pk), _holds(payment, refund.currency)
    return _about(Posting.REFUND_REVERSED, payment, ref, held, Account.REFUNDS, refund.amount, refund.currency, now)


def dispute_withdrawn(*, dispute: Dispute, now: datetime) -> bool:
    """The bank took the money: D dispute_hold, C clearing."""
    held = _holds(dispute.payment, dispute.currency)
    return _disputed(Posting.DISPUTE_WITHDRAWN, dispute, dispute.amount, Account.DISPUTE_HOLD, held, now)


def dispute_reinstated(*, dispute: Dispute, now: datetime) -> bool:
    """The bank gave it back: D clearing, C dispute_hold."""
    held = _holds(dispute.payment, dispute.currency)
    return _disputed(Posting.DISPUTE_REINSTATED, dispute, dispute.amount, held, Account.DISPUTE_HOLD, now)


def dispute_lost(*, dispute: Dispute, now: datetime) -> bool:
    """The money is gone: D losses, C dispute_hold."""
    return _disputed(Posting.DISPUTE_LOST, dispute, dispute.amount, Account.LOSSES, Account.DISPUTE_HOLD, now)


def dispute_lost_reversed(*, dispute: Dispute, now: datetime) -> bool:
    """What was lost came back after all: the reversing entry; False when nothing was posted as lost."""
    lost, _ = _posted(Posting.DISPUTE_LOST, dispute, Account.LOSSES)
    return _disputed(Posting.DISPUTE_LOST_REVERSED, dispute, lost, Account.DISPUTE_HOLD, Account.LOSSES, now)


def fee(*, entry: BalanceEntry, provider: str, payment: Payment | None) -> bool:
    """What the provider kept of a balance line: D fees, C clearing. A negative fee was given back."""
    if not entry.fee:
        return False
    sides = _sides(Account.fees(provider), Account.clearing(provider, entry.currency), entry.fee, entry.currency)
    return _settled(Posting.FEE, entry, provider, sides, payment)


def exchange(*, entry: BalanceEntry, provider: str, payment: Payment | None, amount: int, currency: str) -> bool:
    """The provider settles in another currency: `amount` of `currency` leaves clearing, what it became comes in."""
    if currency == entry.currency or not entry.amount:
        return False
    left = _sides(Account.EXCHANGE, Account.clearing(provider, currency), amount, currency)
    came = _sides(Account.clearing(provider, entry.currency), Account.EXCHANGE, entry.amount, entry.currency)
    return _settled(Posting.EXCHANGE, entry, provider, [*left, *came], payment)


def suspense(*, entry: BalanceEntry, provider: str) -> bool:
    """Money that nobody can explain yet: clearing against suspense."""
    if not entry.net:
        return False
    sides = _sides(Account.clearing(provider, entry.currency), Account.SUSPENSE, entry.net, entry.currency)
    return _settled(Posting.SUSPENSE, entry, provider, sides, None)


def payout(*, provider: str, ref: str, amount: int, currency: str, at: datetime) -> bool:
    """The provider paid our bank: D bank, C clearing."""
    sides = _sides(Account.BANK, Account.clearing(provider, currency), amount, currency)
    return post(kind=Posting.PAYOUT, provider=provider, external_ref=ref, sides=sides, occurred_at=at)


def payout_reversed(*, provider: str, ref: str, amount: int, currency: str, at: datetime) -> bool:
    """The bank would not take it: the reversing entry."""
    sides = _sides(Account.clearing(provider, currency), Account.BANK, amount, currency)
    return post(kind=Posting.PAYOUT_REVERSED, provider=provider, external_ref=ref, sides=sides, occurred_at=at)


def _holds(payment: Payment, currency: str) -> str:
    return Account.clearing(payment.provider, currency)


def _sides(debit: str, credit: str, amount: int, currency: str) -> list[Side]:
    return [(debit, amount, currency), (credit, -amount, currency)]


def _about(
    kind: Posting, payment: Payment, ref: str, debit: str, credit: str, amount: int, currency: str, now: datetime
) -> bool:
    sides = _sides(debit, credit, amount, currency)
    return post(
        kind=kind, provider=payment.provider, external_ref=ref, sides=sides, occurred_at=now, payment=payment
    )  # fmt: skip


def _disputed(kind: Posting, dispute: Dispute, wanted: int, debit: str, credit: str, now: datetime) -> bool:
    """Post what is missing of `wanted`: all of it at first, later what the bank changed it by.

    Needs the payment's lock; the lines after the first are numbered behind the dispute's id.
    """
    posted, lines = _posted(kind, dispute, debit)
    if posted == wanted:
        return False
    ref = f"{dispute.provider_ref}{REVISION}{lines + 1}" if lines else dispute.provider_ref
    return _about(kind, dispute.payment, ref, debit, credit, wanted - posted, dispute.currency, now)


def _posted(kind: Posting, dispute: Dispute, debit: str) -> tuple[int, int]:
    """What was posted of a kind for a dispute so far, and in how many transactions."""
    ref = dispute.provider_ref
    lines = LedgerTransaction.objects.filter(
        Q(external_ref=ref) | Q(external_ref__startswith=f"{ref}{REVISION}"),
        provider=dispute.provider,
        kind=kind,
        payment=dispute.payment_id,
    )
    found = lines.aggregate(
        total=Sum("entries__amount", filter=Q(entries__account__code=debit)), count=Count("id", distinct=True)
    )
    return int(found["total"] or 0), found["count"]


def _settled(
    kind: Posting, entry: BalanceEntry, provider: str, sides: Iterable[Side], payment: Payment | None
) -> bool:  # fmt: skip
    return post(
        kind=kind,
        provider=provider,
        external_ref=entry.ref,
        sides=sides,
        occurred_at=entry.created,
        payment=payment,
    )


def _accounts(codes: list[str]) -> dict[str, LedgerAccount]:
    """The accounts by their codes; those that nothing was posted to yet are made."""
    wanted = LedgerAccount.objects.filter(code__in=codes)
    found = {account.code: account for account in wanted}
    if missing := sorted(set(codes) - set(found)):
        LedgerAccount.objects.bulk_create([LedgerAccount(code=code) for code in missing], ignore_conflicts=True)
        found = {account.code: account for account in wanted.all()}
    return found
