"""The twin as every test of payments sees it."""

from collections.abc import Iterator

import pytest
import stripe
from rest_framework.test import APIClient

from bookings.models import Booking
from bookings.tests.factories import make_booking
from devkit.stripe.fixture import Twin
from payments.providers.stripe import pages


@pytest.fixture
def twin(settings, monkeypatch) -> Iterator[Twin]:
    """A twin on a port of its own, to which the settings point; its webhooks are delivered by the tests.

    What is asked again is asked again at once, by us and by the SDK.
    """
    monkeypatch.setattr(pages, "BACKOFF_SECONDS", 0)
    monkeypatch.setattr(stripe.HTTPClient, "INITIAL_DELAY", 0)
    with Twin(webhook_secret=settings.STRIPE_WEBHOOK_SECRET[0]) as running:
        settings.STRIPE_SECRET = running.secret_key
        settings.STRIPE_PUBLISHABLE_KEY = running.publishable_key
        settings.STRIPE_API_BASE = running.base_url
        settings.STRIPE_JS_URL = running.stripe_js_url
        settings.PAYMENTS_MODE = "twin"
        yield running


@pytest.fixture
def booking(db) -> Booking:
    """A held booking at KES 2,500, of which KES 750 are due."""
    return make_booking()


@pytest.fixture
def client_api() -> APIClient:
    """A JSON client that is signed in as nobody."""
    client = APIClient()
    client.default_format = "json"
    return client
