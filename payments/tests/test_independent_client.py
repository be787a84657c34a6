"""Somebody who knows only HTTP and the official SDK pays, is declined, paid back and disputes, while things go wrong.

After `reconcile_stripe` the provider, our rows and the ledger say the same, whatever went wrong on the way.
"""

import json
import urllib.error
import urllib.request
from types import SimpleNamespace

import pytest
import stripe

from bookings import tokens
from bookings.tests.factories import make_booking, make_offer, slot_start
from common.clock import shift
from jobs.testing import run_due
from payments.constants import RefundState
from payments.models import Dispute, LedgerEntry, LedgerTransaction, Payment, Refund
from payments.tests.test_reconcile import reconcile

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.concurrency]
WEBHOOK = "/api/payments/webhooks/stripe"
INTENTS, REFUNDS = "/v1/payment_intents", "/v1/refunds"
TRIES = 8
SERVICE_UNAVAILABLE = 503
LATER_SECONDS = 400


def faults(*names, path=INTENTS, method="POST", times=2):
    return {"faults": [{"fault": name, "method": method, "path": path, "times": times} for name in names]}


BEFORE_WORK = ("429", "500", "503")
TROUBLE = {
    "none": {},
    "create refused for now": faults(*BEFORE_WORK),
    **{f"create {name}": faults(name) for name in ("lost", "truncated", "500_stored")},
    "reads fail": faults("500", "truncated", path="/v1", method="GET", times=4),
    "webhooks lost": {"webhooks": {"lose": 9}},
    "webhooks reversed and doubled": {"webhooks": {"paused": True, "order": "reverse", "repeat": 2}},
    "webhooks shuffled, it is slow": {"webhooks": {"paused": True, "order": "shuffle", "repeat": 3}, "latency_ms": 20},
    "its clock is ahead": {"clock_offset_s": 240},
    "its clock is behind": {"clock_offset_s": -240},
}
REFUND_TROUBLE = {
    "refund refused for now": faults(*BEFORE_WORK, path=REFUNDS, times=1),
    **{f"refund {name}": faults(name, path=REFUNDS) for name in ("lost", "truncated", "500_stored")},
}


@pytest.fixture
def outside(twin, live_server):
    """What the client knows: two addresses, and a key of the SDK."""
    twin.send_webhooks_to(live_server.url + WEBHOOK)
    http = stripe.RequestsClient(timeout=5)
    sdk = stripe.StripeClient(
        twin.secret_key, base_addresses={"api": twin.base_url}, http_client=http, max_network_retries=2
    )
    return SimpleNamespace(url=live_server.url, v1=sdk.v1)


def post(outside, path, booking, body):
    """The JSON of the answer, asked for again for as long as the installation says that it cannot."""
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {tokens.make(booking)}"}
    for _ in range(TRIES):
        request = urllib.request.Request(outside.url + path, json.dumps(body).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code != SERVICE_UNAVAILABLE:
                raise AssertionError(f"{path}: {error.code} {error.read()!r}") from error
    raise AssertionError(f"{path} never answered")


def begin(outside, booking):
    """The provider's id of the booking's payment."""
    answer = post(outside, "/api/payments/create-intent", booking, {"booking": str(booking.pk)})
    return answer["client_secret"].partition("_secret_")[0]


def pay(outside, booking, *cards):
    """Confirm with one card after the other; the last is good."""
    ref = begin(outside, booking)
    for card in cards:
        params = {"payment_method": card, "return_url": "http://localhost/return"}
        try:
            outside.v1.payment_intents.confirm(ref, params)
        except stripe.CardError:
            assert "Declined" in card
    return ref


def settle(twin):
    """Webhooks come, jobs run, later ones too, and staff reconcile until nothing is left to do."""
    twin.control(webhooks={"paused": False})
    for _ in range(3):
        twin.wait_delivered(seconds=20)
        ran = run_due()
        with shift(LATER_SECONDS):
            if not ran + run_due():
                break
    codes = [reconcile("--json") for _ in range(2)]
    assert codes[1][0] == 0, codes[1][1]
    assert json.loads(codes[1][1])["repaired"] == 0


def agree(outside):
    """The provider's objects, our rows and the ledger say the same."""
    pages = {"limit": 100}
    intents = outside.v1.payment_intents.list(pages).data
    here = {row.provider_ref: row for row in Payment.objects.all()}
    assert {one.id for one in intents} == set(here)
    for one in intents:
        row = here[one.id]
        assert (row.provider_status, row.amount, row.amount_captured) == (one.status, one.amount, one.amount_received)
        assert row.review_reason is None
    refunds = {(one.id, one.status, one.amount) for one in outside.v1.refunds.list(pages).data}
    assert set(Refund.objects.values_list("provider_ref", "state", "amount")) == refunds
    disputes = {(one.id, one.status, one.amount) for one in outside.v1.disputes.list(pages).data}
    assert set(Dispute.objects.values_list("provider_ref", "status", "amount")) == disputes
    balance = sum(one.net for one in outside.v1.balance_transactions.list(pages).data)
    clearing = LedgerEntry.objects.filter(account__code="clearing:stripe:KES")
    assert sum(clearing.values_list("amount", flat=True)) == balance
    assert sum(LedgerEntry.objects.values_list("amount", flat=True)) == 0
    captured = LedgerTransaction.objects.filter(kind="capture").count()
    assert captured == sum(one.status == "succeeded" for one in intents)
    for row in here.values():
        gone = row.refunds.filter(state=RefundState.SUCCEEDED)
        assert row.amount_refunded == sum(gone.values_list("amount", flat=True))


@pytest.mark.parametrize("trouble", [*TROUBLE, *REFUND_TROUBLE])
def test_whatever_goes_wrong_all_agree_afterwards(twin, outside, trouble):
    offer = make_offer(capacity=4)
    plain, paid_back, disputed, left = (make_booking(offer, slot_start(9)) for _ in range(4))
    twin.control(**TROUBLE.get(trouble, {}))
    first = pay(outside, plain, "pm_card_chargeDeclined", "pm_card_visa")
    pay(outside, paid_back, "pm_card_visa")
    pay(outside, disputed, "pm_card_createDispute")
    begin(outside, left)
    if not twin.control()["settings"]["webhooks"]["paused"]:
        twin.wait_delivered(seconds=20)
        run_due()
    outside.v1.refunds.create({"payment_intent": first, "amount": 10_000}, {"idempotency_key": "by-hand"})
    (dispute,) = outside.v1.disputes.list().data
    outside.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": "losing_evidence"}})
    settle(twin)
    twin.control(**REFUND_TROUBLE.get(trouble, {}))
    post(outside, f"/api/bookings/{paid_back.pk}/cancel", paid_back, {})
    twin.control(act={"do": "payout", "currency": "kes"})
    settle(twin)
    agree(outside)
    assert Payment.objects.filter(status="succeeded").count() == 3
    assert Dispute.objects.get().status == "lost"
    assert sorted(Refund.objects.values_list("amount", "state")) == [(10_000, "succeeded"), (75_000, "succeeded")]
    assert LedgerTransaction.objects.filter(kind="payout").count() == 1
