"""A presigned URL is a bearer right: after a whole run none is in logs, error reports, audit rows or other tables."""

import io
import json
import logging
import re
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.apps import apps

from config import logs, sentry
from jobs.testing import run_due
from uploads.models import File
from uploads.tests.factories import Bookings, claim, picture, staff_client
from uploads.tests.stores import Stand, both

pytestmark = pytest.mark.django_db
CONTENT = picture()
FORGED = "0" * 64


@pytest.fixture(params=["local", "s3"])
def stand(request: pytest.FixtureRequest, settings: Any) -> Stand:
    return both(request, settings)


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything that anybody says, as a log file would have it."""
    formatter = logs.configure(json_lines=True, level="DEBUG")["formatters"]["lines"]
    handler = logging.StreamHandler(stream := io.StringIO())
    handler.setFormatter(formatter.pop("()")(**formatter))
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)


def secret_of(url: str) -> str:
    """The part of a URL that makes it a right."""
    query = parse_qs(urlsplit(url).query)
    return query["X-Amz-Signature"][0] if query else urlsplit(url).path.rsplit("/", 1)[1]


def tables() -> str:
    """Every row of every table of ours, in one text."""
    models = [model for model in apps.get_models() if not model._meta.proxy and model._meta.managed]
    return "\n".join(str(list(model._default_manager.values())) for model in models)


def whole_run(stand: Stand) -> list[str]:
    """Sign twice with one key, put, confirm, process, show, download, delete; return the URLs that were handed out."""
    client, booking = staff_client(), uuid.uuid4()
    body = claim(CONTENT, purpose="booking_attachment", booking_id=str(booking))
    signed = [client.post("/api/uploads/sign", body, headers={"Idempotency-Key": "again"}).json() for _ in range(2)]
    upload, file_id = signed[0]["upload"], signed[0]["file_id"]
    assert stand.send("PUT", upload["url"], CONTENT, upload["headers"]).status_code == 200
    assert stand.send("PUT", upload["url"], CONTENT, upload["headers"]).status_code == 412
    assert client.post("/api/uploads/confirm", {"file_id": file_id}).status_code == 200
    run_due()
    shown = client.get(f"/api/files/{file_id}").json()
    assert shown["state"] == "ready"
    download = client.get(f"/api/files/{file_id}/download")
    assert download.status_code == 302
    assert stand.send("GET", download["Location"]).status_code == 200
    logging.getLogger("a.careless.one").error(
        "could not send to %s", upload["url"], extra={"seen": [download["Location"]]}
    )
    assert client.delete(f"/api/files/{file_id}").status_code == 202
    run_due()
    assert File.objects.get().state in {"deleting", "deleted"}
    return [
        *(one["upload"]["url"] for one in signed),
        download["Location"],
        *(one["url"] for one in shown["thumbnails"]),
    ]


def test_no_signature_is_kept_anywhere(stand: Stand, bookings: Bookings, log: io.StringIO):
    urls = whole_run(stand)
    assert len(urls) == 4
    written, kept = log.getvalue(), tables()
    assert "could not send to" in written
    assert "booking_attachment" in kept
    for url in urls:
        assert secret_of(url) not in written
        assert secret_of(url) not in kept
    left = re.findall(r"X-Amz-(?:Signature|Credential)=(?!••••)|/uploads/(?:put|get)/(?!••••)", written + kept)
    assert left == []


def test_error_reports_are_masked(stand: Stand, bookings: Bookings):
    for url in whole_run(stand):
        event: Any = {
            "message": f"PUT {url} failed",
            "request": {"url": url, "query_string": urlsplit(url).query},
            "extra": {"upload": {"url": url}, "tried": [url]},
            "exception": {"values": [{"type": "ValueError", "value": f"no answer from {url}"}]},
            "breadcrumbs": {"values": [{"message": url}]},
        }
        assert secret_of(url) not in json.dumps(sentry.scrub(event, {}))
