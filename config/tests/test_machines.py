"""The addresses of machines and operators: health, reports, problem pages, the description."""

import json

import pytest
from django.db import OperationalError, connection

from common.errors import DomainError
from config.csp_report import VIOLATIONS

pytestmark = pytest.mark.django_db


def test_healthz_touches_nothing(api, django_assert_num_queries):
    with django_assert_num_queries(0):
        answer = api.get("/healthz", HTTP_HOST="10.9.8.7")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.parametrize("address", ["/readyz", "/health"])
def test_load_balancers_may_ask_by_address(api, address):
    assert api.get(address, HTTP_HOST="10.9.8.7").status_code == 200
    assert api.get("/api/services", HTTP_HOST="10.9.8.7").status_code == 400


def test_health_names_each_dependency(api):
    answer = api.get("/health")
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {"status", "version", "time", "checks"}
    assert set(body["checks"]) == {"database", "jobs", "cache", "storage", "scanner", "mail", "payments"}
    assert body["checks"]["cache"] == {"status": "degraded", "reason": "redis_absent"}
    assert body["checks"]["database"] == {"status": "ok"}
    assert body["status"] == "degraded"
    assert body["version"] == "1.0.0"


def test_readyz_is_ready_with_all_migrations(api):
    answer = api.get("/readyz")
    assert answer.status_code == 200
    assert answer.json()["checks"]["migrations"] == {"status": "ok"}


@pytest.mark.parametrize("address", ["/health", "/readyz"])
def test_a_lost_database_is_503_with_retry_after(api, monkeypatch, address):
    def away(*args, **kwargs):
        raise OperationalError("away")

    monkeypatch.setattr(connection, "cursor", away)
    answer = api.get(address)
    assert answer.status_code == 503
    assert answer["Retry-After"] == "5"
    assert answer.json()["checks"] == {"database": {"status": "down", "reason": "unreachable"}}


def test_a_lost_database_is_a_problem_under_api(api, monkeypatch):
    def away(*args, **kwargs):
        raise OperationalError("away")

    monkeypatch.setattr(connection, "cursor", away)
    answer = api.get("/api/services")
    assert (answer.status_code, answer.json()["code"]) == (503, "database_unavailable")
    assert answer["Retry-After"] == "5"


def test_every_problem_type_has_a_page(client):
    for code, error in DomainError.registry.items():
        if error.__module__.split(".")[-2:-1] != ["tests"]:
            page = client.get(f"/docs/errors/{code}")
            assert page.status_code == 200, code
            assert code in page.content.decode()
            assert error.about, f"{code} has no text for its page"
    assert client.get("/docs/errors/unheard_of").status_code == 404
    assert client.get("/docs/errors").status_code == 200


def test_the_description_is_served_without_warnings(api, capsys):
    answer = api.get("/api/schema", {"format": "json"})
    described = json.loads(answer.content)
    assert described["openapi"].startswith("3.1")
    assert described["info"]["version"] == "1.0.0"
    assert {"/api/services", "/api/bookings", "/api/payments/create-intent"} <= set(described["paths"])


def test_swagger_runs_from_our_own_files_alone(client):
    page = client.get("/api/docs")
    text = page.content.decode()
    assert page.status_code == 200
    assert "<style" not in text
    assert "https://" not in text.replace("https://www.w3.org", "")
    script = client.get("/api/docs?script=")
    assert script["Content-Type"].startswith("application/javascript")
    assert "/api/schema?format=json" in script.content.decode().replace("\\u002D", "-").replace("\\u003D", "=")
    assert "script-src 'self'" in page["Content-Security-Policy"]
    assert "unsafe" not in page["Content-Security-Policy"]


def test_security_txt_has_its_required_fields(client):
    text = client.get("/.well-known/security.txt").content.decode()
    assert "Contact: mailto:security@" in text
    assert "Expires: 20" in text


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (
            b'{"csp-report": {"violated-directive": "script-src", "document-uri": "http://x/a/b"}}',
            "application/csp-report",
        ),
        (b'[{"type": "csp-violation", "body": {"effectiveDirective": "img-src"}}]', "application/reports+json"),
        (b"garbage", "application/csp-report"),
        (b"[1, null]", "application/reports+json"),
        (b'{"csp-report": 5}', "application/csp-report"),
        (b'{"csp-report": {"document-uri": "http://[x"}}', "application/csp-report"),
        (b"[" * 16_000, "application/csp-report"),
    ],
)
def test_csp_reports_are_204_whatever_is_sent(client, body, content_type):
    answer = client.generic("POST", "/api/csp-report", body, content_type=content_type)
    assert answer.status_code == 204
    assert client.get("/api/csp-report").status_code == 405


def test_metrics_are_for_this_machine_or_the_token(client, settings):
    assert client.get("/metrics").status_code == 200
    assert b"csp_violations_total" in client.get("/metrics").content
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.1").status_code == 404
    assert client.get("/metrics", HTTP_X_FORWARDED_FOR="127.0.0.1").status_code == 404
    settings.METRICS_TOKEN = "m" * 32
    assert client.get("/metrics").status_code == 404
    assert client.get("/metrics", REMOTE_ADDR="10.0.0.1", HTTP_AUTHORIZATION=f"Bearer {'m' * 32}").status_code == 200


def test_a_report_cannot_invent_labels_which_are_kept_for_good(client, settings):
    settings.RATES = settings.RATES | {"CSP_REPORT": None}
    reports = [
        {"body": {"effectiveDirective": f"x{n}-src", "documentURL": f"http://testserver/x{n}/"}} for n in range(100)
    ]
    known = {"effectiveDirective": "img-src", "documentURL": "http://testserver/blog/some-post?a=1"}

    before = labels()
    client.post("/api/csp-report", [{"body": known}, *reports], content_type="application/reports+json")
    assert labels() - before <= {("other", "other"), ("img-src", "blog/<slug:slug>")}
    assert ("img-src", "blog/<slug:slug>") in labels()


def labels():
    """The labels of every report counted so far in this process."""
    samples = next(iter(VIOLATIONS.collect())).samples
    return {(one.labels["directive"], one.labels["page"]) for one in samples}
