import pytest
import stripe

from devkit.stripe.fixture import Twin
from devkit.stripe.tests.conftest import client_of, paid
from devkit.stripe.tests.sink import Sink

PAID = ["payment_intent.created", "charge.succeeded", "payment_intent.succeeded"]


def test_events_arrive_signed_and_in_order(hooked, sink):
    client = client_of(hooked)
    intent = paid(client, metadata={"payment_id": "p1"})
    assert hooked.wait_delivered() == {"waiting": 0, "delivered": 3, "failed": 0, "lost": 0}
    assert sink.types(hooked.webhook_secret) == PAID
    event = sink.events(hooked.webhook_secret)[2]
    assert (event.data.object.id, event.data.object.metadata["payment_id"]) == (intent.id, "p1")
    assert (event.api_version, event.livemode, event.object) == ("2026-10-28.endive", False, "event")
    assert event.request.id == intent.last_response.headers["Request-Id"]
    stored = client.v1.events.retrieve(event.id)
    assert (stored.type, stored.pending_webhooks) == ("payment_intent.succeeded", 0)


def test_a_changed_body_or_another_secret_does_not_verify(hooked, sink):
    paid(client_of(hooked))
    hooked.wait_delivered()
    body, mark = sink.received[0]
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body.replace(b"5000", b"5001"), mark, hooked.webhook_secret)
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, mark, "whsec_other")


def test_an_event_shows_the_object_as_it_was_then(hooked, sink):
    paid(client_of(hooked))
    hooked.wait_delivered()
    created, _, succeeded = sink.events(hooked.webhook_secret)
    assert (created.data.object.status, succeeded.data.object.status) == ("requires_confirmation", "succeeded")


def test_a_delivery_is_tried_until_2xx():
    sink = Sink([500, 302, 404])
    with Twin(webhook_url=sink.url) as twin:
        client_of(twin).v1.payment_intents.create({"amount": 5000, "currency": "usd"})
        assert twin.wait_delivered()["delivered"] == 1
        assert sink.types(twin.webhook_secret) == ["payment_intent.created"] * 4
    sink.close()


def test_a_lost_webhook_is_found_in_the_list_of_events(hooked, sink):
    client = client_of(hooked)
    intent = paid(client, card="pm_twin_webhookLost")
    assert intent.status == "succeeded"
    assert hooked.wait_delivered() == {"waiting": 0, "delivered": 1, "failed": 0, "lost": 2}
    assert sink.types(hooked.webhook_secret) == ["payment_intent.created"]
    missed = client.v1.events.list({"delivery_success": False, "types": ["payment_intent.succeeded"]}).data
    assert [event.data.object.id for event in missed] == [intent.id]
    hooked.control(resend=[missed[0].id])
    assert hooked.wait_delivered()["delivered"] == 2
    assert sink.types(hooked.webhook_secret)[1:] == ["payment_intent.succeeded"]
    assert client.v1.events.list({"delivery_success": False, "type": "payment_intent.*"}).data == []


def test_a_webhook_sent_twice_is_the_same_event(hooked, sink):
    paid(client_of(hooked), card="pm_twin_webhookTwice")
    assert hooked.wait_delivered()["delivered"] == 5
    ids = [event.id for event in sink.events(hooked.webhook_secret)]
    assert len(ids) == 5
    assert len(set(ids)) == 3


def test_deliveries_can_be_held_dropped_repeated_and_turned_round(hooked, sink):
    client = client_of(hooked)
    hooked.control(webhooks={"paused": True, "order": "reverse"})
    paid(client)
    assert hooked.control()["deliveries"] == {"waiting": 3, "delivered": 0, "failed": 0, "lost": 0}
    assert sink.received == []
    hooked.control(webhooks={"paused": False})
    hooked.wait_delivered()
    assert sink.types(hooked.webhook_secret) == PAID[::-1]
    hooked.control(webhooks={"lose": 1, "repeat": 3, "order": "fifo"})
    sink.received.clear()
    paid(client)
    assert hooked.wait_delivered() == {"waiting": 0, "delivered": 9, "failed": 0, "lost": 1}
    assert sink.types(hooked.webhook_secret) == [PAID[1]] * 3 + [PAID[2]] * 3


def test_a_rolled_secret_signs_beside_the_old_one(hooked, sink):
    endpoint = client_of(hooked).v1.webhook_endpoints.list().data[0]
    hooked.control(act={"do": "roll_secret", "id": endpoint.id, "secret": "whsec_new"})
    client_of(hooked).v1.payment_intents.create({"amount": 5000, "currency": "usd"})
    hooked.wait_delivered()
    assert sink.types(hooked.webhook_secret) == sink.types("whsec_new") == ["payment_intent.created"]
    hooked.control(clock_offset_s=24 * 3600 + 1)
    sink.received.clear()
    client_of(hooked).v1.payment_intents.create({"amount": 5000, "currency": "usd"})
    hooked.wait_delivered()
    assert sink.received[0][1].count("v1=") == 1


def test_endpoints_get_what_they_ask_for(twin, client, sink):
    made = client.v1.webhook_endpoints.create({"url": sink.url, "enabled_events": ["charge.succeeded"]})
    assert "secret" not in client.v1.webhook_endpoints.retrieve(made.id).to_dict()
    paid(client)
    twin.wait_delivered()
    assert sink.types(made.secret) == ["charge.succeeded"]
    client.v1.webhook_endpoints.update(made.id, {"disabled": True})
    paid(client)
    twin.wait_delivered()
    assert len(sink.received) == 1
    assert client.v1.webhook_endpoints.list().data[0].status == "disabled"
    assert client.v1.webhook_endpoints.delete(made.id).deleted is True
    assert client.v1.webhook_endpoints.list().data == []


def test_nothing_is_sent_beyond_this_machine(client, twin):
    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.webhook_endpoints.create({"url": "http://example.com/hook", "enabled_events": ["*"]})
    assert caught.value.code == "url_invalid"
    assert client.v1.webhook_endpoints.list().data == []
