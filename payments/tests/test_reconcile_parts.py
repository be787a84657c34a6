"""Money in parts that our minor units do not have: Stripe counts hundredths of UGX and ISK, we count whole ones."""

import json
from decimal import Decimal

import pytest

from devkit.stripe import shapes
from payments.actions import drifts
from payments.constants import DriftKind, RefundState, Severity
from payments.models import Drift, Payment, Refund
from payments.providers.stripe.currencies import from_stripe
from payments.tests.factories import BY, begin, deliver_all, make_refund, pay
from payments.tests.test_intents import priced
from payments.tests.test_reconcile import reconcile
from payments.tests.test_reconcile_money import found, sums

pytestmark = pytest.mark.django_db
PRICE = 5_000
AT_STRIPE, FEE = 500_000, 14_530  # in hundredths: UGX 5,000.00, and 145.30 of them for Stripe


@pytest.fixture
def paid(twin):
    """UGX 5,000 have arrived; of the fee of UGX 145.30 the ledger holds 145."""
    payment = begin(priced(price_amount=PRICE, currency="UGX", deposit_percent=0))
    pay(twin, payment)
    store = twin._service.store
    with store.lock:
        (entry,) = store.all("balance_transactions")
        store.put("balance_transactions", entry | {"fee": FEE, "net": AT_STRIPE - FEE})
    deliver_all(twin)
    assert sums() == {"clearing:stripe:UGX": PRICE - 145, "revenue:bookings": -PRICE, "fees:stripe": 145}
    return Payment.objects.get()


@pytest.mark.parametrize(
    ("amount", "currency", "held"),
    [
        (14_530, "UGX", (145, Decimal("0.30"))),
        (-485_470, "ISK", (-4_854, Decimal("-0.70"))),
        (-500_000, "UGX", (-5_000, Decimal(0))),
        (500, "MGA", (50_000, Decimal(0))),
        (5_125, "KWD", (5_125, Decimal(0))),
        (99, "JPY", (99, Decimal(0))),
    ],
)
def test_what_is_beyond_our_minor_units_is_known(amount, currency, held):
    assert from_stripe(amount, currency) == held


def test_a_fee_that_does_not_fit_is_told_of_until_somebody_has_seen_it(twin, paid):
    for flags, drifts_now in ((["--dry-run"], 0), ([], 1), ([], 1)):
        code, out, _ = reconcile("--json", *flags)
        assert (code, found(out)) == (3, [("amount_mismatch", "needs_person", "txn")])
        assert Drift.objects.count() == drifts_now
    drift = Drift.objects.get()
    assert (drift.kind, drift.severity, drift.payment_id) == (DriftKind.AMOUNT_MISMATCH, Severity.WARNING, paid.pk)
    assert drift.local == {"fee": 145, "net": PRICE - 145, "currency": "UGX"}
    assert drift.remote == {"fee": "145.30", "net": "4854.70", "kind": "charge", "currency": "UGX"}
    before = sums()
    drifts.resolve_drift(drift_id=drift.pk, note="Thirty hundredths of a shilling", by=BY)
    code, out, _ = reconcile("--json")
    assert (code, found(out), Drift.objects.count()) == (0, [], 1)
    assert sums() == before


def test_a_payout_that_does_not_fit_adds_up_all_the_same(twin, paid):
    twin.control(act={"do": "payout", "currency": "ugx"})
    code, out, _ = reconcile("--json")
    kinds = [("amount_mismatch", "needs_person", "txn"), ("status_behind", "repaired", "po"),
             ("amount_mismatch", "needs_person", "po")]  # fmt: skip
    assert (code, sorted(found(out))) == (3, sorted(kinds))
    drift = Drift.objects.get(kind=DriftKind.AMOUNT_MISMATCH, provider_ref__startswith="po_")
    assert (drift.local, drift.remote) == (
        {"amount": 4_854, "currency": "UGX"}, {"amount": "4854.70", "currency": "UGX"},
    )  # fmt: skip
    assert sums() == {"bank": 4_854, "clearing:stripe:UGX": 1, "revenue:bookings": -PRICE, "fees:stripe": 145}
    for one in Drift.objects.filter(resolved_at__isnull=True):
        drifts.resolve_drift(drift_id=one.pk, note="Seen", by=BY)
    code, out, _ = reconcile("--json")
    assert (code, found(out)) == (0, [])


def test_a_refund_in_parts_needs_a_person(twin, paid):
    store = twin._service.store
    twin.control(webhooks={"paused": True})
    row = make_refund(paid, amount=10, currency="UGX", state=RefundState.SUCCEEDED, provider_ref="re_part")
    with store.lock:
        (charge,) = store.all("charges")
        refund = shapes.refund(charge=charge, amount=1_050, created=store.now(), reason=None, metadata={})
        store.put("refunds", refund | {"id": row.provider_ref})
    code, out, _ = reconcile("--json")
    assert code == 3
    assert ("amount_mismatch", "needs_person", "re") in found(out)
    assert Refund.objects.get().amount == 10


def test_a_strangers_line_in_parts_is_not_ours(twin, paid):
    Payment.objects.update(provider_charge_ref="ch_other")
    _, out, _ = reconcile("--json")
    assert "amount_mismatch" not in [one["kind"] for one in json.loads(out)["drift"]]
