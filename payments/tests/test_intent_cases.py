"""Cases of create-intent at its edges: keys, attempts that overlap, and what the provider's own limits do."""

import pytest

from accounts.tests.factories import staff
from bookings.tests.factories import bearer, make_booking, slot_start
from jobs.models import Job
from payments.constants import EventState, Status
from payments.models import Payment, PaymentEvent
from payments.tests.factories import CREATE, begin, creates, deliver_all, pay, post_intent
from payments.tests.test_intents import priced

pytestmark = pytest.mark.django_db


def test_one_key_of_one_user_is_for_one_booking(twin, booking):
    other = make_booking(booking.service.booking_offer, slot_start(14))
    _, sales = staff("Sales")
    headers = {"HTTP_IDEMPOTENCY_KEY": "once-7"}
    assert sales.post(CREATE, {"booking": str(booking.pk)}, format="json", **headers).status_code == 201
    answer = sales.post(CREATE, {"booking": str(other.pk)}, format="json", **headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")
    assert (creates(twin), Payment.objects.filter(booking=other).count()) == (1, 0)


@pytest.mark.parametrize("bad", ["x" * 256, "a\x01b", "a\x7fb", "é", ""])
def test_what_is_no_key_begins_nothing(twin, booking, bad):
    answer = post_intent(booking, {"HTTP_IDEMPOTENCY_KEY": bad})
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_idempotency_key")
    assert (creates(twin), Payment.objects.count()) == (0, 0)


def test_the_failure_of_an_attempt_leaves_the_later_one_alone(twin, booking, client_api):
    first = begin(booking)
    with pytest.raises(Exception, match="declined"):
        pay(twin, first, "pm_card_chargeDeclined")
    assert client_api.post(f"/api/payments/{first.pk}/cancel", **bearer(booking)).status_code == 200
    second = begin(booking)
    before = Payment.objects.filter(pk=second.pk).values().get()
    deliver_all(twin, "payment_intent.payment_failed")
    first.refresh_from_db()
    assert (first.status, first.is_current) == (Status.CANCELED, False)
    assert Payment.objects.filter(pk=second.pk).values().get() == before
    assert PaymentEvent.objects.get().state == EventState.PROCESSED
    pay(twin, second)
    deliver_all(twin)
    second.refresh_from_db()
    assert (second.status, second.review_reason) == (Status.SUCCEEDED, None)


def test_a_limit_that_only_the_provider_knows_is_no_bug_of_ours(twin):
    answer = post_intent(priced(price_amount=10, currency="KES", deposit_percent=0))
    assert (answer.status_code, answer.json()["code"]) == (422, "amount_too_small")
    assert creates(twin) == 1
    assert not Job.objects.filter(kind="mail.alert").exists()
