"""OPTIONS at every address of the API, for everybody: proxies and browsers ask before anybody has signed in."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.urls import URLPattern, URLResolver, get_resolver

pytestmark = pytest.mark.django_db
SAMPLES = {"uuid": "0199a000-0000-7000-8000-000000000001", "int": "1"}
CALLED_BY_PROVIDERS = {"/api/mail/webhooks/x", "/api/payments/webhook", "/api/payments/webhooks/stripe"}
PAGES = {"/api/schema", "/api/docs", "/api/csp-report"}  # of the description, and where browsers send reports


def addresses(resolver: Any, root: str = "/") -> Iterator[str]:
    for one in resolver.url_patterns:
        address = root + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from addresses(one, address)
        elif isinstance(one, URLPattern) and address.startswith("/api/"):
            yield re.sub(r"<(\w+):\w+>", lambda found: SAMPLES.get(found[1], "x"), address)


def test_every_address_names_its_methods_to_everybody(api: Any) -> None:
    asked = sorted({*addresses(get_resolver())} - CALLED_BY_PROVIDERS - PAGES)
    assert len(asked) > 100
    answers = {address: api.options(address) for address in asked}
    assert [(address, answer.status_code) for address, answer in answers.items() if answer.status_code != 204] == []
    assert [address for address, answer in answers.items() if "OPTIONS" not in answer["Allow"]] == []


@pytest.mark.parametrize(
    ("address", "methods"),
    [
        ("/api/blogs/x/publish", "POST, OPTIONS"),
        ("/api/blogs/x/revisions", "GET, HEAD, OPTIONS"),
        ("/api/blogs/x/preview-links", "GET, POST, HEAD, OPTIONS"),
        ("/api/bookings/0199a000-0000-7000-8000-000000000001", "GET, HEAD, OPTIONS"),
        ("/api/payments/offline", "POST, OPTIONS"),
    ],
)
def test_what_only_staff_reach_tells_no_more_than_its_methods(api: Any, address: str, methods: str) -> None:
    answer = api.options(address)
    assert (answer.status_code, answer["Allow"], answer.content) == (204, methods, b"")
    refused = api.get(address) if "GET" in methods else api.post(address, {})
    assert (refused.status_code, refused.json()["code"]) == (401, "not_authenticated")
