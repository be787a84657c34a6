import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import stripe

from devkit.stripe.tests.conftest import RETURN, client_of

PARAMS = {"amount": 5000, "currency": "usd"}


def create(client, key, **params):
    return client.v1.payment_intents.create({**PARAMS, **params}, {"idempotency_key": key})


def test_the_same_key_replays(client, twin):
    first, second = create(client, "k1"), create(client, "k1")
    assert first.id == second.id
    assert "Idempotent-Replayed" not in first.last_response.headers
    assert second.last_response.headers["Idempotent-Replayed"] == "true"
    assert second.last_response.headers["Original-Request"] == first.last_response.headers["Request-Id"]
    assert twin.control()["objects"]["payment_intents"] == 1
    assert twin.control()["calls"] == {"POST /v1/payment_intents": 2}


def test_other_parameters_or_another_endpoint_are_refused(client, twin):
    intent = create(client, "k1")
    with pytest.raises(stripe.IdempotencyError) as caught:
        create(client, "k1", amount=6000)
    assert caught.value.http_status == 400
    with pytest.raises(stripe.IdempotencyError):
        client.v1.payment_intents.cancel(intent.id, {}, {"idempotency_key": "k1"})
    assert client.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"
    assert twin.control()["objects"]["payment_intents"] == 1


def test_a_declined_card_is_replayed_too(client):
    intent = create(client, "k1")
    confirm = {"payment_method": "pm_card_chargeDeclined", **RETURN}
    for _ in range(2):
        with pytest.raises(stripe.CardError) as caught:
            client.v1.payment_intents.confirm(intent.id, confirm, {"idempotency_key": "k2"})
    assert caught.value.headers["Idempotent-Replayed"] == "true"
    assert len(client.v1.charges.list().data) == 1


def test_what_failed_validation_does_not_use_up_the_key(client):
    with pytest.raises(stripe.InvalidRequestError):
        create(client, "k1", colour="red")
    assert create(client, "k1").amount == 5000


def test_a_key_in_use_is_409(client, twin):
    twin.control(latency_ms=500)
    running = twin._service._api._keys._running
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(create, client_of(twin), "k1")
        while "k1" not in running:
            time.sleep(0.005)
        with pytest.raises(stripe.StripeError) as caught:
            create(client, "k1")
        assert slow.result().amount == 5000
    assert (caught.value.http_status, caught.value.json_body["error"]["code"]) == (409, "idempotency_key_in_use")
    assert twin.control()["objects"]["payment_intents"] == 1


def test_a_key_lives_24_hours(client, twin):
    twin.control(clock_offset_s=-24 * 3600 - 1)
    first = create(client, "k1")
    twin.control(clock_offset_s=0)
    assert create(client, "k1").id != first.id


def test_a_key_is_at_most_255_characters_long(client, twin):
    assert create(client, "k" * 255).amount == 5000
    with pytest.raises(stripe.IdempotencyError):
        create(client, "k" * 256)
    assert twin.control()["objects"]["payment_intents"] == 1
