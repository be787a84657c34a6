"""Checking the ledger as it stands, whatever wrote it: the triggers guard what comes in, this what is there."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from payments.actions.ledger import REVISION
from payments.constants import Account, DisputeFunds, DisputeStatus

# Each query names bad transactions, the oldest first: (transaction, provider, kind, external_ref, what is wrong).
_UNBALANCED = """
SELECT t.id, t.provider, t.kind, t.external_ref, 'does not sum to zero in ' || e.currency || ': ' || sum(e.amount)
FROM payments_ledgertransaction t JOIN payments_ledgerentry e ON e.transaction_id = t.id
GROUP BY t.id, e.currency HAVING sum(e.amount) <> 0 ORDER BY t.occurred_at, t.id
"""
_EMPTY = """
SELECT t.id, t.provider, t.kind, t.external_ref, 'has ' || count(e.id) || ' entries'
FROM payments_ledgertransaction t LEFT JOIN payments_ledgerentry e ON e.transaction_id = t.id
GROUP BY t.id HAVING count(e.id) < 2 ORDER BY t.occurred_at, t.id
"""
_CAPTURES = """
SELECT p.id, p.provider, 'capture', coalesce(p.provider_ref, ''),
       'payment received ' || p.amount_captured || ', the ledger says ' || coalesce(sum(e.amount), 0)
FROM payments_payment p
LEFT JOIN payments_ledgertransaction t ON t.payment_id = p.id AND t.kind = 'capture'
LEFT JOIN payments_ledgerentry e ON e.transaction_id = t.id AND e.amount > 0
WHERE p.status = 'succeeded' GROUP BY p.id HAVING coalesce(sum(e.amount), 0) <> p.amount_captured
ORDER BY p.created_at, p.id
"""
_REFUNDS = """
SELECT p.id, p.provider, 'refund', coalesce(p.provider_ref, ''),
       'payment refunded ' || p.amount_refunded || ', the ledger says ' || coalesce(sum(e.amount), 0)
FROM payments_payment p
LEFT JOIN payments_ledgertransaction t ON t.payment_id = p.id AND t.kind IN ('refund', 'refund_reversed')
LEFT JOIN payments_ledgerentry e ON e.transaction_id = t.id
    AND e.account_id = (SELECT id FROM payments_ledgeraccount WHERE code = %s)
WHERE p.status = 'succeeded' GROUP BY p.id
HAVING least(coalesce(sum(e.amount), 0), p.amount_captured) <> p.amount_refunded ORDER BY p.created_at, p.id
"""
_DISPUTES = """
SELECT d.id, d.provider, 'dispute', d.provider_ref,
       'the bank holds ' || w.held || ' of it, the ledger says ' || coalesce(sum(e.amount), 0)
FROM payments_dispute d
CROSS JOIN LATERAL (SELECT CASE WHEN d.funds = %s AND d.status <> %s THEN d.amount ELSE 0 END AS held) w
LEFT JOIN payments_ledgertransaction t ON t.payment_id = d.payment_id AND t.provider = d.provider
    AND split_part(t.external_ref, %s, 1) = d.provider_ref
LEFT JOIN payments_ledgerentry e ON e.transaction_id = t.id
    AND e.account_id = (SELECT id FROM payments_ledgeraccount WHERE code = %s)
GROUP BY d.id, w.held HAVING coalesce(sum(e.amount), 0) <> w.held ORDER BY d.created_at, d.id
"""
_BALANCES = """
SELECT a.code, e.currency, sum(e.amount) FROM payments_ledgerentry e
JOIN payments_ledgeraccount a ON a.id = e.account_id GROUP BY a.code, e.currency ORDER BY a.code, e.currency
"""
_GUARDS = """
SELECT wanted.name FROM unnest(%s::text[]) AS wanted(name)
WHERE NOT EXISTS (SELECT 1 FROM pg_trigger WHERE tgname = wanted.name AND tgenabled = 'A')
"""
GUARDS = ("payments_ledger_balanced", "payments_ledger_not_empty", "payments_ledger_refuse")


@dataclass(frozen=True, slots=True)
class Fault:
    """One bad transaction, or payment that its postings contradict; `ref` is the provider's id."""

    id: str
    provider: str
    kind: str
    ref: str
    problem: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What was found: how much was checked, each account's balance by currency, the faults, and missing guards."""

    transactions: int
    entries: int
    balances: list[tuple[str, str, int]]
    faults: list[Fault]
    unguarded: list[str]

    @property
    def is_clean(self) -> bool:
        """Whether everything is as it must be."""
        return not self.faults and not self.unguarded


def audit() -> Audit:
    """Check all of the ledger in one snapshot of the database; writes nothing."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        return _audit(lambda statement, *values: _rows(cursor, statement, values))


def _audit(ask: Callable[..., list[tuple[Any, ...]]]) -> Audit:
    held = (DisputeFunds.WITHDRAWN, DisputeStatus.LOST, REVISION, Account.DISPUTE_HOLD)
    found = [
        *ask(_EMPTY), *ask(_UNBALANCED), *ask(_CAPTURES), *ask(_REFUNDS, Account.REFUNDS), *ask(_DISPUTES, *held)
    ]  # fmt: skip
    counts = ask(
        "SELECT (SELECT count(*) FROM payments_ledgertransaction), (SELECT count(*) FROM payments_ledgerentry)"
    )
    return Audit(
        transactions=counts[0][0],
        entries=counts[0][1],
        balances=[(code, currency, int(amount)) for code, currency, amount in ask(_BALANCES)],
        faults=[Fault(str(pk), provider, kind, ref, problem) for pk, provider, kind, ref, problem in found],
        unguarded=[name for (name,) in ask(_GUARDS, list(GUARDS))],
    )


def _rows(cursor: Any, statement: str, values: Iterable[Any]) -> list[tuple[Any, ...]]:
    cursor.execute(statement, list(values) or None)
    return list(cursor.fetchall())
