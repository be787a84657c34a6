"""What the database refuses, whoever asks."""

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from common.clock import db_now
from payments.actions import ledger
from payments.constants import Operation, Posting, Status
from payments.models import (
    Drift,
    LedgerAccount,
    LedgerEntry,
    LedgerTransaction,
    Payment,
    PaymentEvent,
    ProviderCall,
    ReconciliationRun,
)
from payments.tests.factories import make_dispute, make_payment, make_refund

pytestmark = pytest.mark.django_db


def check_deferred():
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"amount": 0}, "payments_amount_positive"),
        ({"amount_captured": -1}, "payments_amounts_not_negative"),
        ({"amount_disputed": -1}, "payments_amounts_not_negative"),
        ({"amount_captured": 100, "amount_refunded": 60, "amount_refund_pending": 41}, "payments_refunds_within"),
        ({"currency": "kes"}, "payments_currency_code"),
        ({"provider_currency": "K"}, "payments_currency_code"),
        ({"status": "paid"}, "payments_status_known"),
        ({"provider": "cash"}, "payments_provider_known"),
        ({"purpose": "tip"}, "payments_purpose_known"),
        ({"dispute_state": "angry"}, "payments_dispute_known"),
        ({"review_reason": "odd"}, "payments_review_known"),
        ({"method": "cash"}, "payments_offline_has_paper"),
        ({"reference": "7"}, "payments_offline_has_paper"),
        ({"provider": "offline", "method": "cash", "reference": "7"}, "payments_offline_has_paper"),
        ({"status": Status.SUCCEEDED, "client_secret": b"x"}, "payments_closed_forgets_secret"),
    ],
)
def test_a_payment(booking, change, constraint):
    payment = make_payment(booking)
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Payment.objects.filter(pk=payment.pk).update(**change)


@pytest.mark.parametrize(
    "status",
    [Status.CREATING, Status.REQUIRES_PAYMENT_METHOD, Status.REQUIRES_ACTION, Status.PROCESSING, Status.AUTHORIZED,
     Status.SUCCEEDED],
)  # fmt: skip
def test_one_live_payment_a_purpose(booking, status):
    make_payment(booking, status=status)
    with pytest.raises(IntegrityError, match="payments_live_once"), transaction.atomic():
        make_payment(booking)
    make_payment(booking, purpose="balance")
    make_payment(booking, is_current=False)
    make_payment(booking, status=Status.FAILED)
    make_payment(booking, provider="offline", status=Status.SUCCEEDED)
    assert Payment.objects.count() == 5


def test_one_row_a_provider_object_and_attempt(booking):
    make_payment(booking, provider_ref="pi_1")
    with pytest.raises(IntegrityError, match="payments_provider_ref_once"), transaction.atomic():
        make_payment(booking, provider_ref="pi_1", is_current=False)
    with pytest.raises(IntegrityError, match="payments_attempt_once"), transaction.atomic():
        make_payment(booking, attempt=1, is_current=False)


def make_call(**values):
    defaults = {
        "operation": Operation.CREATE, "seq": 1, "idempotency_key": "k", "request_hash": b"", "started_at": db_now(),
    }  # fmt: skip
    return ProviderCall.objects.create(**(defaults | values))


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"state": "lost"}, "payments_call_(state_known|finished_paired)"),
        ({"operation": "steal"}, "payments_call_operation_known"),
        ({"state": "done"}, "payments_call_finished_paired"),
    ],
)
def test_a_call(booking, change, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        make_call(payment=make_payment(booking), **change)


def test_a_call_has_one_subject_and_its_key_is_its_own(booking):
    payment = make_payment(booking)
    with pytest.raises(IntegrityError, match="payments_call_has_one_subject"), transaction.atomic():
        make_call()
    make_call(payment=payment)
    with pytest.raises(IntegrityError, match="idempotency_key"), transaction.atomic():
        make_call(payment=payment, seq=2)


def test_an_event_comes_once():
    values = {
        "provider": "stripe", "livemode": False, "event_id": "evt_1", "type": "x", "received_at": db_now(),
        "payload": {}, "payload_sha256": b"",
    }  # fmt: skip
    PaymentEvent.objects.create(**values)
    PaymentEvent.objects.create(**values | {"livemode": True})
    with pytest.raises(IntegrityError, match="payments_event_once"), transaction.atomic():
        PaymentEvent.objects.create(**values)


@pytest.mark.parametrize(
    ("change", "constraint"),
    [({"amount": 0}, "payments_refund_positive"), ({"state": "gone"}, "payments_refund_state_known"),
     ({"origin": "moon"}, "payments_refund_origin_known"), ({"currency": "kes"}, "payments_refund_currency_code"),
     ({"reason": "bored"}, "payments_refund_reason_known"),
     ({"origin": "manual", "state": "succeeded"}, "payments_refund_has_receipt")],
)  # fmt: skip
def test_a_refund(booking, change, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        make_refund(make_payment(booking), **change)


def test_a_refund_is_known_once(booking):
    payment = make_payment(booking)
    make_refund(payment, provider_ref="re_1")
    with pytest.raises(IntegrityError, match="payments_refund_ref_once"), transaction.atomic():
        make_refund(payment, provider_ref="re_1", idempotency_key="k2")


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"amount": 0}, "payments_dispute_positive"),
        ({"currency": "kes"}, "payments_dispute_currency_code"),
        ({"status": "odd"}, "payments_dispute_status_known"),
        ({"funds": "lost"}, "payments_dispute_funds_known"),
        ({"status": "won"}, "payments_dispute_end_paired"),
        ({"closed_at": "2026-11-22T00:00:00Z"}, "payments_dispute_end_paired"),
    ],
)
def test_a_dispute(booking, change, constraint):
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        make_dispute(make_payment(booking), **change)


def test_a_dispute_is_known_once(booking):
    payment = make_payment(booking)
    make_dispute(payment, provider_ref="dp_1")
    with pytest.raises(IntegrityError, match="payments_dispute_ref_once"), transaction.atomic():
        make_dispute(payment, provider_ref="dp_1")


def test_a_posting_is_of_a_known_kind():
    with pytest.raises(IntegrityError, match="payments_posting_known"), transaction.atomic():
        LedgerTransaction.objects.create(provider="stripe", kind="tip", external_ref="x", occurred_at=db_now())


def test_a_difference_is_open_once():
    now = db_now()
    run = ReconciliationRun.objects.create(
        provider="stripe", started_by="t", window_from=now, window_until=now, started_at=now
    )
    values = {
        "run": run, "kind": "missing_local", "severity": "critical", "provider": "stripe", "provider_ref": "pi_1",
        "action": "needs_person", "created_at": now,
    }  # fmt: skip
    Drift.objects.create(**values, resolved_at=now, resolved_by="staff:1")
    Drift.objects.create(**values)
    with pytest.raises(IntegrityError, match="payments_drift_open_once"), transaction.atomic():
        Drift.objects.create(**values)
    with pytest.raises(IntegrityError, match="payments_drift_resolved_paired"), transaction.atomic():
        Drift.objects.create(**values | {"provider_ref": "pi_2"}, resolved_at=now)


def header(ref="x"):
    return LedgerTransaction.objects.create(
        provider="stripe", kind=Posting.CAPTURE, external_ref=ref, occurred_at=db_now()
    )


def entry(posting, amount, currency="KES", code="bank"):
    account, _ = LedgerAccount.objects.get_or_create(code=code)
    return LedgerEntry.objects.create(transaction=posting, account=account, amount=amount, currency=currency)


@pytest.mark.parametrize(
    ("entries", "fault"),
    [
        ([(100, "KES"), (-99, "KES")], "does not sum to zero"),
        ([(100, "KES"), (-100, "USD")], "does not sum to zero"),
        ([(100, "KES")], "has 1 entries"),
        ([], "has 0 entries"),
    ],
)
def test_the_ledger_must_balance(entries, fault):
    posting = header()
    for amount, currency in entries:
        entry(posting, amount, currency)
    with pytest.raises(IntegrityError, match=fault):
        check_deferred()


def test_an_entry_cannot_unbalance_what_is_posted():
    posting = header()
    entry(posting, 100)
    entry(posting, -100, code="revenue:bookings")
    check_deferred()
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    entry(posting, 1)
    with pytest.raises(IntegrityError, match="does not sum to zero"):
        check_deferred()


def test_an_entry_of_nothing():
    with pytest.raises(IntegrityError, match="payments_entry_not_zero"), transaction.atomic():
        entry(header(), 0)


@pytest.mark.parametrize("table", ["payments_ledgertransaction", "payments_ledgerentry"])
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET id = id"])
def test_the_ledger_is_append_only(table, statement):
    posting = header()
    entry(posting, 100)
    entry(posting, -100)
    for prelude in ("", "SET LOCAL session_replication_role = replica;"):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(prelude + statement.format(table))
    assert LedgerEntry.objects.count() == 2


def test_a_thing_is_posted_once(booking):
    payment = make_payment(booking, provider_ref="pi_1")
    for _ in range(2):
        ledger.capture(payment=payment, amount=100, currency="KES", now=db_now(), known=True)
    check_deferred()
    assert LedgerTransaction.objects.count() == 1
    assert list(LedgerEntry.objects.values_list("account__code", "amount", "currency")) == [
        ("clearing:stripe:KES", 100, "KES"), ("revenue:bookings", -100, "KES"),
    ]  # fmt: skip
