"""Very many payments, here and at the twin, planted without going through either: for memory, queries and speed."""

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from django.db import connection

from bookings.models import Booking
from common.ids import uuid7
from devkit.stripe import shapes
from devkit.stripe.cards import CARDS
from payments.constants import Account, Posting, Provider, Status
from payments.models import LedgerAccount, LedgerEntry, LedgerTransaction, Payment

AMOUNT = 5000
CARD = "pm_card_visa"
AT_ONCE = 5000
Made = tuple[dict[str, Any], dict[str, Any], dict[str, Any]]


def at_the_twin(count: int, *, now: int, spread: int) -> Iterator[Made]:
    """Paid intents with their charges and balance transactions, spread over so many seconds up to `now`."""
    method = shapes.payment_method(token=CARD, card=CARDS[CARD], created=now)
    for number in range(count):
        created = now - spread * number // count
        intent = shapes.payment_intent(amount=AMOUNT, currency="usd", created=created, fields={})
        charge = shapes.charge(intent=intent, method=method, card=CARDS[CARD], created=created)
        fee = shapes.charge_fee(AMOUNT, "usd")
        entry = shapes.balance_transaction(kind="charge", amount=AMOUNT, fee=fee, source=charge, created=created)
        charge |= {"captured": True, "amount_captured": AMOUNT, "balance_transaction": entry["id"]}
        intent |= {"status": "succeeded", "amount_received": AMOUNT, "latest_charge": charge["id"]}
        yield intent, charge, entry


def here(booking: Booking, made: Iterator[tuple[str, str, str]]) -> int:
    """Rows for (intent, charge, entry): each succeeded and posted with its fee. Returns how many.

    They are attempts of one booking, which no screen of ours would make; the rows are otherwise as a webhook leaves
    them. The ledger's checks at commit are skipped, or they would take longer than what is measured.
    """
    accounts = _accounts()
    count = 0
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE payments_ledgerentry DISABLE TRIGGER payments_ledger_balanced")
        cursor.execute("ALTER TABLE payments_ledgertransaction DISABLE TRIGGER payments_ledger_not_empty")
    while some := list(islice(made, AT_ONCE)):
        _plant(booking, accounts, some, first=count + 1)
        count += len(some)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE payments_ledgerentry ENABLE ALWAYS TRIGGER payments_ledger_balanced")
        cursor.execute("ALTER TABLE payments_ledgertransaction ENABLE ALWAYS TRIGGER payments_ledger_not_empty")
    return count


def _accounts() -> dict[str, LedgerAccount]:
    codes = (Account.clearing("stripe", "USD"), Account.fees("stripe"))
    return {code: LedgerAccount.objects.get_or_create(code=code)[0] for code in codes}


def _plant(
    booking: Booking, accounts: dict[str, LedgerAccount], made: list[tuple[str, str, str]], *, first: int
) -> None:  # fmt: skip
    now = datetime.now(UTC)
    rows = [
        Payment(
            id=uuid7(), booking=booking, purpose="balance", provider=Provider.STRIPE, attempt=first + number,
            livemode=False, amount=AMOUNT, currency="USD", is_current=False, status=Status.SUCCEEDED,
            amount_captured=AMOUNT, provider_amount=AMOUNT, provider_currency="USD", provider_ref=intent,
            provider_charge_ref=charge, provider_status="succeeded", created_at=now, updated_at=now,
        )
        for number, (intent, charge, _) in enumerate(made)
    ]  # fmt: skip
    Payment.objects.bulk_create(rows)
    fees = [
        LedgerTransaction(
            id=uuid7(), provider="stripe", kind=Posting.FEE, payment=row, external_ref=entry, occurred_at=now
        )
        for row, (_, _, entry) in zip(rows, made, strict=True)
    ]
    LedgerTransaction.objects.bulk_create(fees)
    fee = shapes.charge_fee(AMOUNT, "usd")
    signs = ((Account.fees("stripe"), fee), (Account.clearing("stripe", "USD"), -fee))
    LedgerEntry.objects.bulk_create(
        LedgerEntry(transaction=one, account=accounts[code], amount=amount, currency="USD")
        for one in fees
        for code, amount in signs
    )
