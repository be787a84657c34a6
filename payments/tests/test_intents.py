"""POST /api/payments/create-intent: every row of its table, and what it never does."""

import pytest
import stripe
from django.db import transaction

from accounts.tests.factories import staff
from bookings.constants import Status as BookingStatus
from bookings.models import Booking
from bookings.tests.factories import bearer, key, make_booking, make_offer, with_status
from common.clock import db_now, shift
from config.rates import Rate
from jobs.models import Job
from jobs.testing import run_due
from payments.actions import opening
from payments.constants import CallState, Status
from payments.models import Payment, ProviderCall
from payments.providers import get
from payments.providers.stripe.version import API_VERSION
from payments.tests.factories import (
    BY,
    CREATE,
    begin,
    creates,
    deliver_all,
    make_payment,
    pay,
    post_intent,
    sdk,
)

pytestmark = pytest.mark.django_db
DAY = 24 * 3600


def refused(answer, twin, status, code):
    """Refused with that code, nothing asked of the provider, no payment begun."""
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert creates(twin) == 0
    assert Payment.objects.count() == 0
    return answer.json()


def priced(**values):
    return make_booking(make_offer(**values))


def test_a_second_click_gets_the_same_payment(twin, booking):
    first, second = post_intent(booking), post_intent(booking)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert creates(twin) == 1
    assert Payment.objects.count() == 1


def test_what_is_sent_to_the_provider(twin, booking):
    payment = begin(booking)
    intent = sdk(twin).v1.payment_intents.retrieve(payment.provider_ref)
    assert (intent.amount, intent.currency) == (75_000, "kes")
    assert intent.description == f"{booking.reference} Discovery workshop"
    assert intent.metadata.to_dict() == {
        "payment_id": str(payment.pk), "booking_id": str(booking.pk), "purpose": "deposit", "attempt": "1",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("given", "problem"),
    [({"amount": 1}, 409), ({"amount": 75_001}, 409), ({"currency": "USD"}, 409), ({"currency": "kes"}, None),
     ({"amount": 75_000, "currency": "KES"}, None)],
)  # fmt: skip
def test_amount_and_currency_are_only_compared(twin, booking, given, problem):
    answer = post_intent(booking, **given)
    if problem is None:
        assert (answer.status_code, answer.json()["amount"]) == (201, 75_000)
        return
    body = refused(answer, twin, problem, "amount_mismatch")
    assert body["quote"] == {"amount": 250_000, "deposit": 75_000, "due": 75_000, "currency": "KES"}


@pytest.mark.parametrize("amount", [-1, 0, 1e20, 2**63, "42.00", 42.5, True, None, "٤٢", [75_000]])
def test_what_is_no_amount_is_400(twin, booking, amount):
    body = refused(post_intent(booking, amount=amount), twin, 400, "validation_error")
    assert [fault["pointer"] for fault in body["errors"]] == ["#/amount"]


@pytest.mark.parametrize(
    ("given", "pointer"),
    [
        ({"currency": "KESH"}, "#/currency"),
        ({"currency": "KE\n"}, "#/currency"),
        ({"purpose": "deposit"}, "#/purpose"),
        ({"provider": "offline"}, "#/provider"),
        ({"booking": "x"}, "#/booking"),
        ({"colour": "red"}, "#/colour"),
        ({"return_url": "https://evil.example/pay"}, "#/return_url"),
        ({"return_url": "http://testserver.evil.example/"}, "#/return_url"),
        ({"return_url": "//testserver/pay"}, "#/return_url"),
        ({"return_url": "http://[::1"}, "#/return_url"),
    ],
)
def test_the_body_is_strict(twin, booking, given, pointer):
    body = refused(post_intent(booking, **given), twin, 400, "validation_error")
    assert [fault["pointer"] for fault in body["errors"]] == [pointer]


def test_our_own_return_url_is_taken(twin, booking):
    assert post_intent(booking, return_url="http://testserver/pay/return").status_code == 201


def test_who_may(twin, booking, client_api):
    body = {"booking": str(booking.pk)}
    assert client_api.post(CREATE, body).status_code == 401
    refused(client_api.post(CREATE, body, **bearer(Booking(id=booking.service_id))), twin, 404, "not_found")
    _, sales = staff("Sales")
    assert sales.post(CREATE, body).status_code == 201
    _, author = staff("Author")
    assert author.post(CREATE, body).status_code == 403


def test_another_bookings_token_finds_nothing(twin, booking, client_api):
    second = Booking.objects.create(**_copy(booking))
    answer = client_api.post(CREATE, {"booking": str(booking.pk)}, **bearer(second))
    refused(answer, twin, 404, "not_found")
    payment = begin(booking)
    for path in (f"/api/payments/{payment.pk}", f"/api/payments?booking={booking.pk}"):
        assert client_api.get(path, **bearer(second)).status_code == 404
    assert client_api.post(f"/api/payments/{payment.pk}/cancel", **bearer(second)).status_code == 404


def _copy(booking):
    names = [field.attname for field in Booking._meta.concrete_fields if field.attname != "id"]
    changed = {"reference": "ZZZZZZZZ", "status": BookingStatus.EXPIRED}
    return {name: getattr(booking, name) for name in names} | changed


@pytest.mark.parametrize(
    "status", [BookingStatus.REQUESTED, BookingStatus.DECLINED, BookingStatus.CANCELLED, BookingStatus.EXPIRED,
               BookingStatus.NO_SHOW],
)  # fmt: skip
def test_a_booking_that_is_not_payable(twin, booking, status):
    with_status(booking, status)
    body = refused(post_intent(booking), twin, 409, "booking_not_payable")
    assert body["status"] == status


def test_a_hold_that_has_run_out_takes_no_payment(twin, booking):
    with shift(15 * 60):
        refused(post_intent(booking), twin, 409, "booking_not_payable")


def test_the_balance_comes_after_the_deposit(twin, booking):
    refused(post_intent(booking, purpose="balance"), twin, 409, "booking_not_payable")


def test_a_free_booking(twin):
    refused(post_intent(priced(price_amount=0)), twin, 409, "nothing_to_pay")


@pytest.mark.parametrize(
    ("price", "currency", "code"),
    [
        (49, "USD", "amount_too_small"),
        (29, "GBP", "amount_too_small"),
        (100_000_000, "USD", "amount_too_large"),
        (5_124, "KWD", "amount_not_representable"),
        (5_001, "MGA", "amount_not_representable"),
        (1_000, "ZZZ", "currency_not_supported"),
        (10, "KES", "amount_too_small"),
    ],
)
def test_what_the_provider_cannot_charge(twin, price, currency, code):
    booking = priced(price_amount=price, currency=currency, deposit_percent=0)
    answer = post_intent(booking)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
    known_before_asking = currency != "KES"
    assert creates(twin) == (0 if known_before_asking else 1)
    assert Payment.objects.filter(status=Status.FAILED).count() == (0 if known_before_asking else 1)


@pytest.mark.parametrize(
    ("price", "currency", "sent"),
    [(500, "JPY", 500), (500, "USD", 500), (5_120, "KWD", 5_120), (5, "ISK", 500), (500, "UGX", 50_000),
     (50_000, "MGA", 500)],
)  # fmt: skip
def test_units_at_the_provider(twin, price, currency, sent):
    booking = priced(price_amount=price, currency=currency, deposit_percent=0)
    payment = begin(booking)
    assert sdk(twin).v1.payment_intents.retrieve(payment.provider_ref).amount == sent
    pay(twin, payment)
    deliver_all(twin)
    payment.refresh_from_db()
    assert (payment.status, payment.amount_captured, payment.provider_amount) == (Status.SUCCEEDED, price, sent)
    assert payment.review_reason is None


def test_not_configured(twin, booking, settings):
    settings.PAYMENTS_MODE = "off"
    refused(post_intent(booking), twin, 503, "payments_not_configured")
    settings.PAYMENTS_MODE = "twin"
    refused(post_intent(booking, provider="mpesa", phone="254711000000"), twin, 503, "payments_not_configured")


def test_the_rate_is_a_bookings(twin, booking, settings):
    settings.RATES = settings.RATES | {"PAYMENT": Rate(2, 60)}
    assert [post_intent(booking).status_code for _ in range(3)] == [201, 200, 429]


def test_an_idempotency_key_replays_the_answer(twin, booking):
    headers = key()
    first, second = post_intent(booking, headers), post_intent(booking, headers)
    assert (first.status_code, second.status_code) == (201, 201)
    assert second["Idempotent-Replayed"] == "true"
    assert first.json() == second.json()
    other = post_intent(booking, headers, amount=75_000)
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_reused")
    assert creates(twin) == 1


def test_after_cancelling_a_new_attempt_has_a_new_key(twin, booking, client_api):
    first = begin(booking)
    answer = client_api.post(f"/api/payments/{first.pk}/cancel", **bearer(booking))
    assert (answer.status_code, answer.json()["status"]) == (200, "canceled")
    assert client_api.post(f"/api/payments/{first.pk}/cancel", **bearer(booking)).status_code == 200
    assert sdk(twin).v1.payment_intents.retrieve(first.provider_ref).status == "canceled"
    assert post_intent(booking).status_code == 201
    second = Payment.objects.get(attempt=2)
    first.refresh_from_db()
    assert (first.is_current, second.is_current) == (False, True)
    keys = set(ProviderCall.objects.values_list("idempotency_key", flat=True))
    assert keys == {f"pay_{first.pk}:create:1", f"pay_{first.pk}:cancel:1", f"pay_{second.pk}:create:1"}


def test_what_is_paid_cannot_be_cancelled(twin, booking, client_api):
    payment = begin(booking)
    pay(twin, payment)  # and nobody told us
    answer = client_api.post(f"/api/payments/{payment.pk}/cancel", **bearer(booking))
    assert (answer.status_code, answer.json()["code"]) == (409, "not_cancelable")
    assert answer.json()["status"] == "succeeded"
    booking.refresh_from_db()
    assert booking.status == BookingStatus.CONFIRMED


@pytest.mark.parametrize("fault", ["429", "500", "503", "lost", "truncated"])
def test_a_lost_answer_is_resumed_with_the_same_key(twin, booking, fault):
    times = 1 if fault in {"429", "truncated"} else 2  # the SDK repeats the others once
    twin.control(faults=[{"fault": fault, "method": "POST", "path": "/v1/payment_intents", "times": times}])
    answer = post_intent(booking)
    payment = Payment.objects.get()
    assert (answer.status_code, answer.json()["code"]) == (503, "provider_unavailable")
    assert (answer.json()["id"], answer.json()["status"]) == (str(payment.pk), "creating")
    assert int(answer["Retry-After"]) >= 1
    call = ProviderCall.objects.get()
    assert call.state == (CallState.PLANNED if fault == "429" else CallState.UNKNOWN)
    again = post_intent(booking)
    assert (again.status_code, again.json()["id"]) == (200, str(payment.pk))
    assert twin.control()["objects"]["payment_intents"] == 1
    call.refresh_from_db()
    assert (call.state, ProviderCall.objects.count()) == (CallState.DONE, 1)


def test_a_fault_that_the_sdk_heals_is_not_seen(twin, booking):
    twin.control(faults=[{"fault": "lost", "method": "POST", "path": "/v1/payment_intents"}])
    assert post_intent(booking).status_code == 201
    assert twin.control()["objects"]["payment_intents"] == 1


def test_a_fault_that_the_provider_repeats_is_settled_by_its_list(twin, booking):
    twin.control(faults=[{"fault": "500_stored", "method": "POST", "path": "/v1/payment_intents"}])
    answer = post_intent(booking)
    assert (answer.status_code, answer.json()["status"]) == (201, "requires_payment_method")
    assert twin.control()["objects"]["payment_intents"] == 1


def test_nobody_charges_twice_after_the_key_is_forgotten(twin, booking):
    twin.control(faults=[{"fault": "lost", "method": "POST", "path": "/v1/payment_intents", "times": 2}])
    assert post_intent(booking).status_code == 503
    payment = Payment.objects.get()
    with shift(DAY + 60):
        twin.control(clock_offset_s=DAY + 60)
        assert opening.resume(payment_id=payment.pk, provider=get("stripe"), by=BY) is True
    payment.refresh_from_db()
    assert payment.status == Status.REQUIRES_PAYMENT_METHOD
    assert twin.control()["objects"]["payment_intents"] == 1


def test_an_old_call_of_which_nothing_is_found_fails(twin, booking):
    twin.control(faults=[{"fault": "503", "method": "POST", "path": "/v1/payment_intents", "times": 2}])
    assert post_intent(booking).status_code == 503
    payment = Payment.objects.get()
    with shift(DAY + 60), pytest.raises(opening.ProviderRejected):
        opening.resume(payment_id=payment.pk, provider=get("stripe"), by=BY)
    payment.refresh_from_db()
    assert (payment.status, payment.last_error_code) == (Status.FAILED, "provider_error")
    assert post_intent(booking).status_code == 201
    assert twin.control()["objects"]["payment_intents"] == 1


def test_a_call_that_somebody_else_makes_is_waited_for_and_never_doubled(twin, booking, monkeypatch):
    payment = make_payment(booking, status=Status.CREATING)
    with transaction.atomic():
        opening.plan(payment=payment, now=db_now())
    monkeypatch.setattr("payments.actions.intents.WAIT_SECONDS", 0.2)
    answer = post_intent(booking)
    assert (answer.status_code, answer.json()["id"]) == (503, str(payment.pk))
    assert creates(twin) == 0
    with shift(61):  # its worker has died
        assert post_intent(booking).status_code == 200
    assert creates(twin) == 1


def test_a_wrong_key_is_our_bug(twin, booking, settings):
    settings.STRIPE_SECRET = "sk_live_wrong"

    answer = post_intent(booking)
    assert (answer.status_code, answer.json()["code"]) == (502, "provider_rejected")
    assert Payment.objects.get().status == Status.FAILED
    assert Job.objects.filter(kind="mail.alert", args__code="provider_rejected").count() == 1
    assert "sk_live" not in answer.content.decode()


def test_the_list_and_the_reads(twin, booking, client_api):
    payment = begin(booking)
    body = client_api.get(f"/api/payments?booking={booking.pk}", **bearer(booking)).json()
    assert [row["id"] for row in body["data"]] == [str(payment.pk)]
    assert body["data"][0]["payment_state"] == "unpaid"
    one = client_api.get(f"/api/payments/{payment.pk}", **bearer(booking))
    assert one.json() == body["data"][0]
    assert (one.json()["purpose"], one.json()["amount_refunded"]) == ("deposit", 0)
    assert client_api.get("/api/payments", **bearer(booking)).json()["errors"][0]["parameter"] == "booking"
    assert client_api.get(f"/api/payments?booking={booking.pk}&x=1", **bearer(booking)).status_code == 400
    assert client_api.get(f"/api/payments/{payment.pk}").status_code == 401


def test_a_stale_read_queues_one_look(twin, booking, client_api):

    payment = begin(booking)
    client_api.get(f"/api/payments/{payment.pk}", **bearer(booking))
    assert not Job.objects.filter(kind="payments.sync").exists()
    pay(twin, payment)
    with shift(6):
        for _ in range(3):
            assert client_api.get(f"/api/payments/{payment.pk}", **bearer(booking)).json()["status"] == (
                "requires_payment_method"
            )
        assert Job.objects.filter(kind="payments.sync").count() == 1
        run_due()
    payment.refresh_from_db()
    assert payment.status == Status.SUCCEEDED


def test_the_config(twin, client_api):
    body = client_api.get("/api/payments/config").json()
    assert (body["mode"], body["providers"], body["publishable_key"]) == ("twin", ["stripe"], twin.publishable_key)
    assert "KES" in body["currencies"]
    assert len(body["currencies"]) == 139


def test_the_sdk_speaks_the_version_that_events_are_read_in():

    assert API_VERSION == stripe.api_version == "2026-10-28.endive"


def test_beginning_costs_ten_statements_in_two_transactions(twin, booking, django_assert_num_queries):
    with django_assert_num_queries(14) as asked:
        begin(booking)
    words = [" ".join(one["sql"].split()) for one in asked.captured_queries]
    transactions = [word for word in words if "SAVEPOINT" in word]  # of BEGIN and COMMIT, as a test wraps them
    assert len(transactions) == 4
    rest = [word for word in words if "SAVEPOINT" not in word]
    assert [word.split(" ")[0] for word in rest] == [
        *("SELECT", "SELECT", "INSERT", "INSERT", "INSERT"),  # booking, payments and clock; payment, audit, call
        *("SELECT", "SELECT", "SELECT", "UPDATE", "UPDATE"),  # clock, booking, payment; payment, call
    ]
    assert sum('"bookings_booking"' in word for word in rest) == 2  # locked once a transaction, never read beside that
