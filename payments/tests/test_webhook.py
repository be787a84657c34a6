"""Who may tell us something, and what happens to what they say."""

import json
import time

import pytest
from django.core import checks
from django.test import Client

from audit.models import AuditEvent
from bookings.tests.factories import bearer
from common.clock import shift
from config.rates import Rate
from devkit.stripe.webhooks import signature
from jobs.models import Job
from jobs.testing import run_due
from payments.constants import EventState, Status
from payments.models import LedgerTransaction, Payment, PaymentEvent
from payments.providers.stripe import signature as signature_module
from payments.tests.factories import WEBHOOK, begin, deliver, make_payment, pay, sdk, send, signed

pytestmark = pytest.mark.django_db
SECRET = "whsec_test_suite_secret_of_forty_characters"
EVENT = {
    "id": "evt_1",
    "object": "event",
    "type": "payment_intent.succeeded",
    "api_version": "2026-10-28.endive",
    "created": 1,
    "livemode": False,
    "data": {"object": {"id": "pi_1", "object": "payment_intent"}},
}
BODY = json.dumps(EVENT).encode()


def refused(answer, status=400, code="invalid_signature"):
    """The answer refuses, tells nothing about why, and nothing is stored."""
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert PaymentEvent.objects.count() == 0
    assert Job.objects.count() == 0


def mark(body=BODY, secret=SECRET, at=None):
    return signed(body, secret=secret, at=at or time.time())["HTTP_STRIPE_SIGNATURE"]


def test_a_genuine_event_is_stored_with_its_job():
    answer = send(BODY, signed(BODY))
    assert (answer.status_code, answer.json()) == (200, {"received": True, "duplicate": False})
    event = PaymentEvent.objects.get()
    assert (event.event_id, event.type, event.object_id, event.state) == (
        "evt_1", "payment_intent.succeeded", "pi_1", EventState.RECEIVED,
    )  # fmt: skip
    assert (event.event_created, event.api_version, event.payload) == (1, "2026-10-28.endive", EVENT)
    assert Job.objects.get(kind="payments.apply_event").args == {"event_id": str(event.pk)}


def test_the_old_address_is_the_same(twin, booking):
    pay(twin, begin(booking))
    (event,) = twin.events("payment_intent.succeeded")
    assert deliver(event, path="/api/payments/webhook").status_code == 200
    run_due()
    assert Payment.objects.get().status == Status.SUCCEEDED


@pytest.mark.parametrize(
    "body",
    [BODY.replace(b"pi_1", b"pi_2"), BODY.replace(b": ", b":"), BODY + b" ", b""],
    ids=["tampered", "re-serialised", "longer", "empty"],
)
def test_another_body_than_was_signed_is_refused(body):
    refused(send(body, signed(BODY)))


@pytest.mark.parametrize(
    "header",
    [
        "",
        "t=1",
        f"v1={'a' * 64}",
        "t=,v1=",
        "garbage",
        "t=99999999999999999999999,v1=" + "a" * 64,
        "t=\u0661\u0662,v1=" + "a" * 64,
        "t=1,v1=\xff\xfe",
        "t=1," + ",".join(["v1=" + "0" * 64] * 10_000),
        "t=1,v1=" + "a" * 1_000_000,
        mark().replace("v1=", "v0="),
        mark().replace("t=", "t=1,t="),
        mark(secret=SECRET + "x"),
        signature(BODY, [""], int(time.time())),
    ],
    ids=range(14),
)  # fmt: skip
def test_hostile_signatures_are_refused(header):
    refused(send(BODY, {"HTTP_STRIPE_SIGNATURE": header}))


@pytest.mark.parametrize("count", [17, 10_000])
def test_many_signatures_cost_no_computation(monkeypatch, count):
    header = "t=1," + ",".join(["v1=" + "0" * 64] * count)
    refused(send(BODY, {"HTTP_STRIPE_SIGNATURE": header}))
    monkeypatch.setattr(signature_module, "hmac", None)
    assert signature_module.verify(header, BODY, [SECRET]) is None


def test_without_the_header():
    refused(send(BODY, {}))
    refused(send(BODY, {"HTTP_X_STRIPE_WEBHOOK_SECRET": SECRET}))


@pytest.mark.parametrize(
    "body",
    [b"[]", b"null", b'"x"', b"{}", b"{", b"\xff\xfe", b'{"id": 1, "type": "x"}', b'{"id": "", "type": "x"}',
     b"[" * 100_000, b'{"id": "evt", "type": null}',
     b'{"id": "evt", "type": "x", "data": ' + b"[" * 900 + b"]" * 900 + b"}",
     b'{"id": "evt", "type": "x", "created": NaN}', b'{"id": "evt", "type": "x", "created": 1e999}'],
)  # fmt: skip
def test_signed_nonsense_is_refused(body):
    refused(send(body, signed(body)))


@pytest.mark.parametrize(("age", "status"), [(299, 200), (301, 400), (-299, 200), (-302, 400), (-31_536_000, 400)])
def test_the_time_is_judged_both_ways(age, status):
    answer = send(BODY, signed(BODY, at=time.time() - age + (0.5 if age > 0 else -0.5) * (abs(age) == 299)))
    assert answer.status_code == status
    assert PaymentEvent.objects.count() == (status == 200)


def test_the_databases_clock_judges(settings):
    with shift(400):
        refused(send(BODY, signed(BODY, at=time.time())))


def test_each_listed_secret_is_good_and_a_retired_one_is_not(settings):
    settings.STRIPE_WEBHOOK_SECRET = ["whsec_new", "whsec_old"]
    both = signature(BODY, ["whsec_other", "whsec_old"], int(time.time()))
    assert send(BODY, signed(BODY, secret="whsec_new")).status_code == 200
    assert send(BODY, signed(BODY, secret="whsec_old")).json()["duplicate"] is True
    assert send(BODY, {"HTTP_STRIPE_SIGNATURE": both}).status_code == 200
    assert send(BODY, signed(BODY, secret=SECRET)).status_code == 400


@pytest.mark.parametrize("secrets", [[], [""], [" "], [None]])
def test_a_blank_secret_is_no_secret(settings, secrets):
    settings.STRIPE_WEBHOOK_SECRET = secrets
    header = signature(BODY, [""], int(time.time()))
    refused(send(BODY, {"HTTP_STRIPE_SIGNATURE": header}), 503, "payments_not_configured")
    found = [message for message in checks.run_checks() if message.id in {"payments.E001", "payments.W001"}]
    assert len(found) == 1


def test_only_post_and_only_so_much():
    answer = Client().get(WEBHOOK)
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert Client().put(WEBHOOK).status_code == 405
    big = b" " * (512 * 1024 + 1)
    refused(send(big, signed(big)), 413, "payload_too_large")


def test_only_invalid_ones_are_limited(settings):
    settings.RATES = settings.RATES | {"WEBHOOK_INVALID": Rate(2, 60)}
    codes = [send(BODY, {"REMOTE_ADDR": "198.51.100.7"}).status_code for _ in range(4)]
    assert codes == [400, 400, 429, 429]
    genuine = [send(BODY, signed(BODY) | {"REMOTE_ADDR": "198.51.100.7"}).status_code for _ in range(5)]
    assert genuine == [200] * 5


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({"type": "customer.created"}, "unknown_type"),
        ({"type": "payment_intent.created"}, "unknown_type"),
        ({"object": "v2.core.event", "type": "v2.core.thing", "data": None, "created": "2026-11-22T09:00:00Z"},
         "unknown_type"),
        ({"livemode": True}, "other_mode"),
        ({"data": {}}, "object_unreadable"),
    ],
)  # fmt: skip
def test_what_is_not_for_us_is_stored_and_left_alone(change, outcome):
    body = json.dumps(EVENT | change).encode()
    assert send(body, signed(body)).status_code == 200
    event = PaymentEvent.objects.get()
    assert (event.state, event.outcome) == (EventState.IGNORED, outcome)
    assert not Job.objects.filter(kind="payments.apply_event").exists()
    assert Job.objects.filter(kind="mail.alert").count() == (outcome == "other_mode")


def test_one_id_with_two_bodies_keeps_the_first_and_alerts():
    send(BODY, signed(BODY))
    other = json.dumps(EVENT | {"created": 2}).encode()
    assert send(other, signed(other)).json() == {"received": True, "duplicate": True}
    assert PaymentEvent.objects.get().payload == EVENT
    assert Job.objects.get(kind="mail.alert").args["code"] == "event_id_payload_conflict"


def test_a_later_delivery_with_another_count_is_no_conflict():
    send(BODY, signed(BODY))
    again = json.dumps(EVENT | {"pending_webhooks": 1}).encode()
    assert send(again, signed(again)).json()["duplicate"] is True
    assert not Job.objects.filter(kind="mail.alert").exists()


def test_nul_and_lone_surrogates_are_stored_as_something_else():
    body = b'{"id": "evt_2", "type": "x.y", "data": {"object": {"id": "a\\u0000b\\ud800"}}}'
    assert send(body, signed(body)).status_code == 200
    assert PaymentEvent.objects.get().payload["data"]["object"]["id"] == "a\ufffdb?"


def test_an_event_about_somebody_elses_payment_is_foreign(twin):
    made = sdk(twin).v1.payment_intents.create({"amount": 5000, "currency": "usd"})
    twin.pay(made.id)
    (event,) = twin.events("payment_intent.succeeded")
    assert deliver(event).status_code == 200
    run_due()
    stored = PaymentEvent.objects.get()
    assert (stored.state, stored.outcome, stored.payment_id) == (EventState.IGNORED, "foreign", None)
    assert Payment.objects.count() == 0


def test_a_payment_that_only_the_provider_knows_is_adopted(twin, booking):
    payment = begin(booking)
    pay(twin, payment)
    payment.calls.all().delete()
    Payment.objects.all().delete()
    (event,) = twin.events("payment_intent.succeeded")
    deliver(event)
    run_due()
    adopted = Payment.objects.get()
    assert (adopted.pk, adopted.status, adopted.purpose, adopted.amount_captured) == (
        payment.pk, Status.SUCCEEDED, "deposit", 75_000,
    )  # fmt: skip
    booking.refresh_from_db()
    assert (booking.status, booking.paid_amount) == ("confirmed", 75_000)
    assert AuditEvent.objects.filter(action="payment.adopted").count() == 1


def test_a_payment_of_ours_without_a_booking_is_retried(twin, booking):
    metadata = {"payment_id": str(booking.pk), "booking_id": "0193a000-0000-7000-8000-000000000000"}
    made = sdk(twin).v1.payment_intents.create({"amount": 5000, "currency": "usd", "metadata": metadata})
    twin.pay(made.id)
    (event,) = twin.events("payment_intent.succeeded")
    deliver(event)
    run_due()
    job = Job.objects.get(kind="payments.apply_event")
    assert (job.state, job.attempts) == ("new", 1)
    assert "PaymentMissing" in job.last_error
    assert PaymentEvent.objects.get().state == EventState.RECEIVED


def test_a_metadata_id_alone_does_not_move_another_payment(twin, booking):
    """An object at the provider that names our payment but is not the one that we made."""
    payment = begin(booking)
    made = sdk(twin).v1.payment_intents.create(
        {"amount": 75_000, "currency": "kes", "metadata": {"payment_id": str(payment.pk)}}
    )
    twin.pay(made.id)
    (event,) = twin.events("payment_intent.succeeded")
    deliver(event)
    run_due()
    payment.refresh_from_db()
    assert payment.status == Status.REQUIRES_PAYMENT_METHOD
    assert LedgerTransaction.objects.count() == 0
    assert PaymentEvent.objects.get().outcome == "foreign"
    assert Job.objects.filter(kind="mail.alert", args__code="event_does_not_fit").count() == 1


def test_an_event_in_another_version_is_only_a_hint(twin, booking):
    payment = begin(booking)
    pay(twin, payment)
    (event,) = twin.events("payment_intent.succeeded")
    lying = json.loads(json.dumps({k: v for k, v in event.items() if not k.startswith("_")}))
    lying["api_version"] = "2020-01-01"
    lying["data"]["object"]["amount_received"] = 1
    deliver(lying)
    run_due()
    payment.refresh_from_db()
    assert (payment.status, payment.amount_captured) == (Status.SUCCEEDED, 75_000)


def test_no_secret_is_in_the_answer_of_a_read(twin, booking, client_api):
    payment = make_payment(booking, provider_ref="pi_x")
    answer = client_api.get(f"/api/payments/{payment.pk}", **bearer(booking))
    assert answer.status_code == 200
    assert "client_secret" not in answer.content.decode()


def test_an_event_and_its_job_cost_one_statement_beside_the_clock(django_assert_num_queries):
    with django_assert_num_queries(2) as asked:
        assert send(BODY, signed(BODY, at=time.time())).json() == {"received": True, "duplicate": False}
    both = asked[1]["sql"]
    assert both.count('INSERT INTO "payments_paymentevent"') == both.count('INSERT INTO "job"') == 1
    with django_assert_num_queries(3):  # and what is stored, to be compared
        assert send(BODY, signed(BODY, at=time.time())).json() == {"received": True, "duplicate": True}
    assert (PaymentEvent.objects.count(), Job.objects.count()) == (1, 1)
