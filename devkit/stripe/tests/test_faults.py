import pytest
import stripe

from devkit.stripe.tests.conftest import client_of

PARAMS = {"amount": 5000, "currency": "usd"}


def fail(twin, fault, **more):
    twin.control(faults=[{"fault": fault, "method": "POST", "path": "/v1/payment_intents", **more}])


@pytest.mark.parametrize(
    ("fault", "error"), [("429", stripe.RateLimitError), ("500", stripe.APIError), ("503", stripe.APIError)]
)
def test_a_fault_before_the_work_leaves_nothing(client, twin, fault, error):
    fail(twin, fault)
    assert client.v1.payment_intents.list().data == []
    with pytest.raises(error) as caught:
        client.v1.payment_intents.create(PARAMS, {"idempotency_key": "k1"})
    assert caught.value.http_status == int(fault)
    assert caught.value.headers.get("Retry-After") == ("1" if fault == "429" else None)
    assert client.v1.payment_intents.list().data == []
    assert client.v1.payment_intents.create(PARAMS, {"idempotency_key": "k1"}).amount == 5000


def test_a_lost_answer_is_found_again_by_its_key(client, twin):
    fail(twin, "lost")
    with pytest.raises(stripe.APIConnectionError):
        client.v1.payment_intents.create(PARAMS, {"idempotency_key": "k1"})
    (made,) = client.v1.payment_intents.list().data
    assert client.v1.payment_intents.create(PARAMS, {"idempotency_key": "k1"}).id == made.id


def test_the_sdk_heals_a_lost_answer_by_itself(twin):
    fail(twin, "lost")
    intent = client_of(twin, retries=1).v1.payment_intents.create(PARAMS)
    assert twin.control()["objects"]["payment_intents"] == 1
    assert intent.last_response.headers["Idempotent-Replayed"] == "true"


def test_a_truncated_answer_is_no_json(client, twin):
    fail(twin, "truncated")
    with pytest.raises(stripe.APIError, match="Invalid response body"):
        client.v1.payment_intents.create(PARAMS)
    assert twin.control()["objects"]["payment_intents"] == 1


def test_a_stored_500_is_replayed_though_the_work_is_done(client, twin):
    fail(twin, "500_stored")
    for _ in range(2):
        with pytest.raises(stripe.APIError) as caught:
            client.v1.payment_intents.create(PARAMS, {"idempotency_key": "k1"})
        assert caught.value.http_status == 500
    assert twin.control()["objects"]["payment_intents"] == 1


def test_a_fault_lasts_for_its_number_of_calls(client, twin):
    fail(twin, "503", times=2)
    for _ in range(2):
        with pytest.raises(stripe.APIError):
            client.v1.payment_intents.create(PARAMS)
    assert twin.control()["settings"]["faults"] == []
    assert client.v1.payment_intents.create(PARAMS).amount == 5000
