import pytest
import stripe

from devkit.stripe.fixture import Twin
from devkit.stripe.tests.sink import Sink


@pytest.fixture
def twin():
    with Twin() as running:
        yield running


@pytest.fixture
def client(twin):
    return client_of(twin)


@pytest.fixture
def sink():
    receiver = Sink()
    yield receiver
    receiver.close()


@pytest.fixture
def hooked(sink):
    """A twin that delivers to the sink."""
    with Twin(webhook_url=sink.url) as running:
        yield running


def client_of(twin, retries=0):
    http = stripe.RequestsClient(timeout=5)
    return stripe.StripeClient(
        twin.secret_key, base_addresses={"api": twin.base_url}, http_client=http, max_network_retries=retries
    )


RETURN = {"return_url": "http://localhost/return"}


def paid(client, amount=5000, currency="usd", card="pm_card_visa", **more):
    """A payment intent that is created and confirmed in one call."""
    params = {"amount": amount, "currency": currency, "payment_method": card, "confirm": True, **RETURN, **more}
    return client.v1.payment_intents.create(params)
