import http.client
import json
from urllib.parse import urlsplit

import pytest
import stripe

from devkit.stripe.errors import ApiError
from devkit.stripe.tests.conftest import client_of, paid


def ask(twin, method, path, body=None, **headers):
    """A raw request: status, headers and body."""
    connection = http.client.HTTPConnection(urlsplit(twin.base_url).netloc, timeout=5)
    connection.request(method, path, body, headers)
    reply = connection.getresponse()
    content = reply.read()
    connection.close()
    return reply.status, reply.headers, content


def test_control_reads_the_same_by_get_and_post(twin, client):
    paid(client)
    status, _, body = ask(twin, "GET", "/_control")
    state = json.loads(body)
    assert status == 200
    assert state["objects"] == {
        "balance_transactions": 1, "charges": 1, "events": 3, "payment_intents": 1, "payment_methods": 1,
    } | {"idempotency_keys": 1}  # fmt: skip
    assert state["calls"] == {"POST /v1/payment_intents": 1}
    assert state["settings"] == {
        "clock_offset_s": 0,
        "latency_ms": 0,
        "faults": [],
        "webhooks": {"paused": False, "lose": 0, "repeat": 1, "order": "fifo"},
    }
    status, _, body = ask(twin, "POST", "/_control", '{"latency_ms": 5}')
    assert (status, json.loads(body)["settings"]["latency_ms"]) == (200, 5)


@pytest.mark.parametrize(
    "body",
    [
        '{"latency_ms": 5, "colour": 1}', "[]", "no json", '{"latency_ms": -1}', '{"latency_ms": true}', '{"reset": 1}',
        '{"faults": [{"fault": "418"}]}', '{"webhooks": {"order": "sideways"}}', '{"webhooks": {"colour": 1}}',
        '{"act": {"do": "nothing", "id": "x"}}', '{"webhooks": {"repeat": 0}}',
    ],
)  # fmt: skip
def test_what_control_does_not_know_is_400_and_changes_nothing(twin, body):
    before = twin.control()
    assert ask(twin, "POST", "/_control", body)[0] == 400
    assert twin.control() == before


def test_pages_may_not_control_the_twin(twin):
    for method in ("GET", "POST", "OPTIONS"):
        assert ask(twin, method, "/_control", '{"latency_ms": 5}', Origin="http://localhost")[0] == 403
    assert twin.control()["settings"]["latency_ms"] == 0


def test_reset_forgets_all_but_the_own_endpoint(hooked):
    client = client_of(hooked)
    paid(client)
    hooked.wait_delivered()
    state = hooked.control(reset=True, clock_offset_s=60)
    assert state["objects"] == {"webhook_endpoints": 1}
    assert (state["calls"], state["deliveries"]["delivered"], state["settings"]["clock_offset_s"]) == ({}, 0, 60)


def test_acting_on_what_is_not_there_is_refused(twin, client):
    with pytest.raises(ApiError, match="No such payment_intent"):
        twin.control(act={"do": "authenticate", "id": "pi_x", "outcome": "pass"})
    intent = paid(client)
    with pytest.raises(ApiError, match="status of succeeded"):
        twin.control(act={"do": "authenticate", "id": intent.id, "outcome": "pass"})


@pytest.mark.parametrize("key", ["sk_live_x", "rubbish"])
def test_only_test_keys_are_taken(twin, key):
    client = stripe.StripeClient(key, base_addresses={"api": twin.base_url}, max_network_retries=0)
    with pytest.raises(stripe.AuthenticationError) as caught:
        client.v1.payment_intents.list()
    assert caught.value.http_status == 401


def test_every_answer_names_the_request_and_the_version(twin, client):
    headers = client.v1.payment_intents.list().last_response.headers
    assert headers["Request-Id"].startswith("req_")
    assert headers["Stripe-Version"] == stripe.api_version
    status, _, body = ask(twin, "GET", "/v1/nothing", Authorization="Bearer sk_test_x")
    assert (status, json.loads(body)["error"]["type"]) == (404, "invalid_request_error")


class TestBrowser:
    def test_the_script_is_served_to_any_page(self, twin):
        status, headers, body = ask(twin, "GET", "/stripe.js", Origin="http://localhost")
        assert (status, headers["Content-Type"]) == (200, "text/javascript; charset=utf-8")
        assert (headers["Access-Control-Allow-Origin"], headers["Cross-Origin-Resource-Policy"]) == (
            "*",
            "cross-origin",
        )
        assert b"window.Stripe" in body
        assert b"eval(" not in body
        assert b".style" not in body

    def test_a_preflight_is_answered(self, twin):
        status, headers, _ = ask(twin, "OPTIONS", "/v1/payment_intents/pi_x/confirm", Origin="http://localhost")
        assert (status, headers["Access-Control-Allow-Origin"]) == (204, "*")
        assert "authorization" in headers["Access-Control-Allow-Headers"]

    def confirm(self, twin, intent, card, secret):
        form = f"payment_method={card}&client_secret={secret}"
        path = f"/v1/payment_intents/{intent.id}/confirm"
        head = {"Authorization": f"Bearer {twin.publishable_key}", "Content-Type": "application/x-www-form-urlencoded"}
        status, headers, body = ask(twin, "POST", path, form, Origin="http://localhost", **head)
        assert headers["Access-Control-Allow-Origin"] == "*"
        return status, json.loads(body)

    def test_the_client_secret_pays_and_sees_no_metadata(self, twin, client):
        intent = client.v1.payment_intents.create({"amount": 900, "currency": "usd", "metadata": {"a": "1"}})
        status, body = self.confirm(twin, intent, "pm_card_visa", intent.client_secret)
        assert (status, body["status"]) == (200, "succeeded")
        assert not {"metadata", "latest_charge"} & set(body)

    def test_a_wrong_client_secret_pays_nothing(self, twin, client):
        intent = client.v1.payment_intents.create({"amount": 900, "currency": "usd"})
        assert self.confirm(twin, intent, "pm_card_visa", f"{intent.id}_secret_x")[0] == 400
        assert client.v1.payment_intents.retrieve(intent.id).status == "requires_payment_method"

    def test_a_publishable_key_may_do_no_more(self, twin, client):
        status, _, _ = ask(twin, "GET", "/v1/payment_intents", Authorization=f"Bearer {twin.publishable_key}")
        assert status == 403
        path = f"/v1/payment_intents/{paid(client).id}"
        assert ask(twin, "GET", path, Authorization=f"Bearer {twin.publishable_key}")[0] == 400

    @pytest.mark.parametrize(("outcome", "status"), [("pass", "succeeded"), ("fail", "requires_payment_method")])
    def test_the_dialog_ends_three_d_secure(self, twin, client, outcome, status):
        intent = paid(client, card="pm_card_authenticationRequired")
        body = json.dumps({"client_secret": intent.client_secret, "outcome": outcome})
        code, headers, answer = ask(twin, "POST", "/_3ds", body, Origin="http://localhost")
        assert (code, headers["Access-Control-Allow-Origin"]) == (200, "*")
        assert json.loads(answer)["status"] == status
        assert client.v1.payment_intents.retrieve(intent.id).status == status

    def test_the_dialog_needs_the_client_secret(self, twin, client):
        intent = paid(client, card="pm_card_authenticationRequired")
        body = json.dumps({"client_secret": f"{intent.id}_secret_x", "outcome": "pass"})
        assert ask(twin, "POST", "/_3ds", body)[0] == 404
        assert client.v1.payment_intents.retrieve(intent.id).status == "requires_action"

    def test_the_front_page_says_what_it_is(self, twin):
        status, _, body = ask(twin, "GET", "/")
        assert status == 200
        assert b"No card is charged" in body
