"""From sign to the served bytes over both stores: what the store refuses, what confirm says then, and what stays."""

import hashlib
from typing import Any

import pytest
from django.conf import settings as django_settings

from audit.models import AuditEvent
from common import clock
from common.actor import Actor
from jobs.models import Job
from jobs.testing import run_due
from uploads.actions import sweeps
from uploads.constants import Bucket
from uploads.models import File
from uploads.tests.factories import picture, sign, staff_client
from uploads.tests.stores import Stand, both

pytestmark = pytest.mark.django_db
CONTENT = picture()
HTML = b"<!doctype html><script>alert(1)</script>"
SWEEP_SECONDS = 15 * 60


@pytest.fixture(params=["local", "s3"])
def stand(request: pytest.FixtureRequest, settings: Any) -> Stand:
    return both(request, settings)


class Visit:
    """One member of staff with one signed upload."""

    def __init__(self, stand: Stand, content: bytes = CONTENT, **changes: Any) -> None:
        self.stand, self.content, self.client = stand, content, staff_client()
        self.signed = sign(self.client, content, **changes)

    def put(self, content: bytes | None = None, **changes: str) -> int:
        upload = self.signed["upload"]
        sent = self.content if content is None else content
        return int(self.stand.send("PUT", upload["url"], sent, {**upload["headers"], **changes}).status_code)

    def confirm(self) -> tuple[int, str]:
        answer = self.client.post("/api/uploads/confirm", {"file_id": self.signed["file_id"]})
        body = answer.json()
        return answer.status_code, body.get("code") or body["state"]

    def row(self) -> File:
        return File.objects.get(pk=self.signed["file_id"])


def objects(stand: Stand) -> list[str]:
    return [one.key for bucket in Bucket for one in stand.storage.list(bucket, "", limit=99)]


@pytest.mark.parametrize(
    ("content", "changes", "status"),
    [
        (CONTENT, {"Content-Type": "image/jpeg"}, 403),
        (CONTENT + b"x", {}, 403),
        (CONTENT[:-1], {}, 403),
        (bytes(len(CONTENT)), {}, 400),
    ],
    ids=["another type", "longer", "shorter", "other bytes"],
)
def test_what_the_store_refuses_never_arrived(stand: Stand, content: bytes, changes: dict[str, str], status: int):
    visit = Visit(stand)
    assert visit.put(content, **changes) == status
    assert visit.confirm() == (409, "upload_missing")
    assert visit.row().state == "pending"
    assert objects(stand) == []
    assert visit.put() == 200  # the URL is not spent by what was refused
    assert visit.confirm() == (200, "uploaded")


def test_confirm_before_and_after_the_bytes(stand: Stand):
    visit = Visit(stand)
    assert visit.confirm() == (409, "upload_missing")
    assert visit.put() == 200
    assert [visit.confirm(), visit.confirm()] == [(200, "uploaded")] * 2
    row = visit.row()
    assert (row.state, row.observed_size, row.etag != "") == ("uploaded", len(CONTENT), True)
    assert Job.objects.filter(kind="uploads.process").count() == 1
    assert AuditEvent.objects.filter(action="file.confirmed").count() == 1


def test_what_was_validated_is_what_is_served(stand: Stand):
    """A URL that is still good writes a key of quarantine, never what is shown."""
    visit = Visit(stand)
    assert (visit.put(), visit.confirm()) == (200, (200, "uploaded"))
    run_due()
    row = visit.row()
    assert row.state == "ready"
    shown = visit.client.get(f"/api/files/{row.pk}").json()["thumbnails"]
    assert shown[0]["url"].startswith(f"{django_settings.MEDIA_BASE_URL}/files/")
    before = {one["url"]: stand.send("GET", one["url"]).content for one in shown}
    served = stand.storage.head(Bucket.PUBLIC, row.clean_key)
    assert served
    assert all(key.startswith("files/") for key in objects(stand))
    assert visit.put() == 200  # quarantine is empty again, and nobody looks there any more
    assert {one["url"]: stand.send("GET", one["url"]).content for one in shown} == before
    again = stand.storage.head(Bucket.PUBLIC, row.clean_key)
    assert again
    assert again.etag == served.etag
    assert visit.confirm() == (200, "ready")
    assert Job.objects.filter(kind="uploads.process").count() == 1


def test_after_its_time_nothing_can_be_put_or_confirmed(stand: Stand):
    visit = Visit(stand)
    with stand.later(SWEEP_SECONDS):
        assert visit.put() == 403
    with clock.shift(SWEEP_SECONDS):
        assert visit.confirm() == (410, "upload_expired")
        assert visit.row().state in {"pending", "expired"}
        sweeps.expire(by=Actor.system("tests"))
        assert visit.row().state == "expired"
        assert visit.confirm() == (410, "upload_expired")
    assert objects(stand) == []


def test_a_page_that_calls_itself_a_picture(stand: Stand):
    visit = Visit(stand, HTML)
    assert visit.put() == 200
    assert visit.confirm() == (422, "type_mismatch")
    assert (visit.row().state, visit.row().reason) == ("rejected", "type_mismatch")
    assert objects(stand) == []
    assert AuditEvent.objects.filter(action="file.rejected").count() == 1
    assert visit.confirm() == (409, "invalid_state")


def test_a_checksum_of_other_bytes(stand: Stand):
    """The store compares what comes with what was signed, so that nothing arrives at all."""
    visit = Visit(stand, sha256=hashlib.sha256(b"other").hexdigest())
    assert visit.put() == 400
    assert visit.confirm() == (409, "upload_missing")
    assert objects(stand) == []


def test_a_store_that_is_away_changes_nothing(stand: Stand):
    visit = Visit(stand)
    assert visit.put() == 200
    stand.away(True)
    answer = visit.client.post("/api/uploads/confirm", {"file_id": visit.signed["file_id"]})
    assert (answer.status_code, answer.json()["code"]) == (503, "storage_unavailable")
    assert answer.headers["Retry-After"] == "1"
    assert visit.row().state == "pending"
    stand.away(False)
    assert visit.confirm() == (200, "uploaded")
