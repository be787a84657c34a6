"""The tables of security headers and CORS, for every kind of answer."""

import pytest

pytestmark = pytest.mark.django_db
API = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "cross-origin",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "X-API-Version": "1.0.0",
}
PAGE = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "strict-origin-when-cross-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
}
ORIGIN = "https://app.example.com"


@pytest.mark.parametrize(
    "address", ["/api/services", "/api/nothing", "/api/auth/me", "/healthz", "/health", "/api/schema"]
)
def test_answers_of_the_api_have_the_headers_of_the_api(client, address):
    answer = client.get(address)
    assert {name: answer.get(name) for name in API} == API
    assert "Permissions-Policy" in answer
    assert "X-Request-ID" in answer
    assert "Set-Cookie" not in answer


@pytest.mark.parametrize(
    "address", ["/", "/services", "/nothing", "/admin/login/", "/docs/errors/not_found", "/api/docs"]
)
def test_pages_have_the_headers_of_pages(client, address):
    answer = client.get(address)
    assert {name: answer.get(name) for name in PAGE} == PAGE
    policy = answer["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert "report-uri /api/csp-report" in policy


def test_request_ids_are_ours_and_fresh(client):
    first = client.get("/healthz", HTTP_X_REQUEST_ID="mine")["X-Request-ID"]
    assert first != "mine"
    assert client.get("/healthz")["X-Request-ID"] != first


def test_public_content_is_open_to_every_origin_without_credentials(client):
    answer = client.get("/api/services", HTTP_ORIGIN="https://anyone.example")
    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in answer
    assert "Origin" not in answer.get("Vary", "")
    assert "ETag" in answer["Access-Control-Expose-Headers"]


def test_everything_else_is_open_to_listed_origins_only(client, settings):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    listed = client.get("/api/auth/me", HTTP_ORIGIN=ORIGIN)
    assert listed["Access-Control-Allow-Origin"] == ORIGIN
    assert listed["Access-Control-Allow-Credentials"] == "true"
    assert "Origin" in listed["Vary"]
    stranger = client.get("/api/auth/me", HTTP_ORIGIN="https://app.example.com.evil.example")
    assert "Access-Control-Allow-Origin" not in stranger
    assert "Origin" in stranger["Vary"]


@pytest.mark.parametrize(
    ("method", "headers", "allowed"),
    [("GET", "", "*"), ("GET", "if-none-match", "*"), ("GET", "authorization", None), ("POST", "content-type", None)],
)
def test_a_preflight_is_judged_by_what_it_asks_for(client, method, headers, allowed):
    answer = client.options(
        "/api/services",
        HTTP_ORIGIN="https://anyone.example",
        HTTP_ACCESS_CONTROL_REQUEST_METHOD=method,
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS=headers,
    )
    assert answer.get("Access-Control-Allow-Origin") == allowed


def test_a_listed_origin_gets_its_preflight(client, settings):
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]
    answer = client.options(
        "/api/bookings",
        HTTP_ORIGIN=ORIGIN,
        HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST",
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS="content-type, idempotency-key",
    )
    assert answer.status_code == 200
    assert answer["Access-Control-Allow-Origin"] == ORIGIN
    assert "idempotency-key" in answer["Access-Control-Allow-Headers"]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_preflight_has_the_security_headers_of_its_address(client, method):
    answer = client.options(
        "/api/services", HTTP_ORIGIN="https://anyone.example", HTTP_ACCESS_CONTROL_REQUEST_METHOD=method
    )
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"


def test_hsts_only_where_the_address_is_https(client, settings):
    assert "Strict-Transport-Security" not in client.get("/healthz")
    settings.SECURE_HSTS_SECONDS = 31536000
    assert client.get("/healthz")["Strict-Transport-Security"].startswith("max-age=31536000")
