"""Files from the signature to the last byte, as front ends meet them: HTTP requests and nothing else.

A colleague brings a picture to a project and puts it into the public gallery; a customer brings a plan to a booking,
staff read it, a stranger cannot. Each walk is made with the local store and with the stand-in of S3.
"""

import base64
import hashlib
import io
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import requests
from PIL import Image

from accounts.models import User
from accounts.tests import factories as people
from audit.models import AuditEvent
from bookings.tests.factories import make_offer, slot_start
from cms.actions import drafts, media, publishing
from cms.models import Project
from common.actor import Actor
from jobs.testing import run_due
from uploads.models import File
from uploads.tests.factories import pdf, picture
from uploads.tests.stores import use_gate

pytestmark = pytest.mark.django_db(transaction=True)
TIMEOUT_SECONDS = 30
TEST = Actor.system("test")


@dataclass
class Front:
    """A front end that holds one credential; it remembers every secret address that it was given."""

    base: str
    token: str
    secrets: list[str] = field(default_factory=list)

    def call(self, method: str, path: str, expected: int, **body: Any) -> Any:
        """Send JSON; return the answer's JSON, or where it leads."""
        answer = requests.request(
            method,
            f"{self.base}{path}",
            json=body or None,
            headers={"Authorization": f"Bearer {self.token}"},
            allow_redirects=False,
            timeout=TIMEOUT_SECONDS,
        )
        assert answer.status_code == expected, (path, answer.status_code, answer.text)
        assert answer.headers["Cache-Control"] == "no-store"
        if "Location" in answer.headers:
            self.secrets.append(answer.headers["Location"])
            return answer.headers["Location"]
        return answer.json() if answer.content else None

    def bring(self, content: bytes, **about: Any) -> str:
        """Sign, send and confirm; return the file's id."""
        digest = hashlib.sha256(content)
        signed = self.call("POST", "/api/uploads/sign", 201, size=len(content), sha256=digest.hexdigest(), **about)
        upload = signed["upload"]
        self.secrets.append(upload["url"])
        assert base64.b64decode(upload["headers"]["x-amz-checksum-sha256"]) == digest.digest()
        waiting = self.call("POST", signed["confirm"], 409, file_id=signed["file_id"])
        assert waiting["code"] == "upload_missing"
        sent = requests.request(
            upload["method"], upload["url"], data=content, headers=upload["headers"], timeout=TIMEOUT_SECONDS
        )
        assert sent.status_code == 200, sent.text
        confirmed = self.call("POST", signed["confirm"], 200, file_id=signed["file_id"])
        assert (confirmed["state"], confirmed["content_type"]) == ("uploaded", upload["headers"]["Content-Type"])
        return str(signed["file_id"])


@pytest.fixture(params=["local", "s3"])
def base(request: pytest.FixtureRequest, live_server: Any, settings: Any, tmp_path: Path) -> str:
    """The address of this back end, with either store behind it."""
    settings.PUBLIC_URL = live_server.url
    if request.param == "s3":
        use_gate(settings, request.getfixturevalue("s3_gate"))
    else:
        settings.STORAGE, settings.MEDIA_ROOT = "local", tmp_path / "media"
        settings.MEDIA_BASE_URL = f"{live_server.url}/media"
    people.make_roles()
    return str(live_server.url)


@pytest.fixture
def staff(base: str) -> Callable[[str], Front]:
    """A colleague with one role."""

    def signed_in(role: str) -> Front:
        client = people.sign_in(people.make_user(f"{role.lower()}@example.com", held=(role,)))
        return Front(base, client._credentials["HTTP_AUTHORIZATION"].removeprefix("Bearer "))

    return signed_in


def fetched(url: str) -> requests.Response:
    answer = requests.get(url, timeout=TIMEOUT_SECONDS)
    assert answer.status_code == 200, answer.text
    return answer


def actions(file_id: str) -> list[str]:
    found = AuditEvent.objects.filter(target_type="uploads.file", target_id=file_id).order_by("pk")
    return list(found.values_list("action", flat=True))


def assert_hidden(fronts: list[Front]) -> None:
    """No address that was given out stands in the log of what happened."""
    written = repr(list(AuditEvent.objects.values()))
    for secret in (one for front in fronts for one in front.secrets):
        assert secret.rpartition("/")[2] not in written
        assert secret.rpartition("=")[2] not in written


def test_a_picture_of_a_project(base: str, staff: Callable[[str], Front]) -> None:
    author, owner = staff("Author"), staff("Owner")
    by = Actor.staff(User.objects.get(email="author@example.com"))
    values = {"slug": "harbour", "title": "Harbour", "summary": "A harbour, made new.", "disclosure": "anonymised"}
    project = drafts.create(model=Project, values=values, by=by)
    about = {"purpose": "project_image", "filename": "quay.png", "content_type": "image/png"}
    file_id = author.bring(picture((1000, 500)), project_id=str(project.pk), **about)
    assert run_due() >= 1

    shown = author.call("GET", f"/api/files/{file_id}", 200)
    assert (shown["state"], shown["purpose"], shown["name"]) == ("ready", "project_image", "quay.png")
    assert [(one["width"], one["height"]) for one in shown["thumbnails"]] == [(320, 160), (800, 400), (1000, 500)]
    for one in shown["thumbnails"]:
        assert "?" not in one["url"]  # public and immutable
        answer = fetched(one["url"])
        assert answer.headers["Cache-Control"] == "public, max-age=31536000, immutable"
        assert Image.open(io.BytesIO(answer.content)).size == (one["width"], one["height"])
    taken = fetched(author.call("GET", f"/api/files/{file_id}/download", 302))
    assert taken.headers["Content-Disposition"] == "attachment; filename*=UTF-8''quay.png"

    asset = media.create(file=file_id, alt="The quay", by=TEST)
    drafts.save(item=project, values={"gallery": [{"media": asset, "caption": ""}]}, by=TEST)
    publishing.publish(item=Project.objects.get(), by=TEST)
    public = requests.get(f"{base}/api/projects/harbour", timeout=TIMEOUT_SECONDS).json()
    assert [one["width"] for one in public["gallery"][0]["variants"]] == [320, 800, 1000]
    assert fetched(public["gallery"][0]["variants"][0]["url"]).content == fetched(shown["thumbnails"][0]["url"]).content

    assert owner.call("DELETE", f"/api/files/{file_id}", 409)["code"] == "invalid_state"  # the gallery shows it
    other = owner.bring(picture(), project_id=str(project.pk), **about)
    run_due()
    assert owner.call("DELETE", f"/api/files/{other}", 202)["state"] == "deleting"
    run_due()
    assert owner.call("GET", f"/api/files/{other}", 404)["code"] == "not_found"
    assert File.objects.get(pk=other).state == "deleted"
    assert actions(file_id) == ["file.signed", "file.confirmed", "file.ready", "file.read"]
    assert actions(other) == ["file.signed", "file.confirmed", "file.ready", "file.deleting", "file.deleted"]
    assert_hidden([author, owner])


def book(base: str, hour: int) -> tuple[str, str]:
    """What a visitor does first: a booking's id and its token."""
    answer = requests.post(
        f"{base}/api/bookings",
        json={
            "service": "discovery-workshop",
            "starts_at": f"{slot_start(hour):%Y-%m-%dT%H:%M:%SZ}",
            "customer": {"name": "Brian Mwangi", "email": "brian@example.org"},
            "consent": True,
        },
        headers={"Idempotency-Key": str(uuid.uuid4())},
        timeout=TIMEOUT_SECONDS,
    ).json()
    return answer["id"], answer["token"]


def test_a_customers_plan_and_photograph(base: str, staff: Callable[[str], Front]) -> None:
    make_offer()
    booking_id, token = book(base, 9)
    customer, stranger, sales = Front(base, token), Front(base, book(base, 12)[1]), staff("Sales")
    target = {"purpose": "booking_attachment", "booking_id": booking_id}
    plan = customer.bring(pdf(), filename="../plan\u202e.pdf", content_type="application/pdf", **target)
    photo = customer.bring(picture((400, 300)), filename="room.png", content_type="image/png", **target)
    run_due()

    shown = customer.call("GET", f"/api/files/{photo}", 200)
    assert [one["width"] for one in shown["thumbnails"]] == [320, 400]
    small = fetched(shown["thumbnails"][0]["url"])
    assert (small.headers["Content-Type"], small.headers["Cache-Control"]) == ("image/webp", "private, no-store")
    taken = fetched(customer.call("GET", f"/api/files/{plan}/download", 302))
    assert taken.content == pdf()
    assert taken.headers["Content-Disposition"] == "attachment; filename*=UTF-8''plan.pdf"

    assert stranger.call("GET", f"/api/files/{plan}", 404)["code"] == "not_found"
    assert stranger.call("GET", f"/api/files/{plan}/download", 404)["code"] == "not_found"
    assert stranger.call("DELETE", f"/api/files/{plan}", 404)["code"] == "not_found"
    digest = hashlib.sha256(pdf()).hexdigest()
    about = {"filename": "x.pdf", "content_type": "application/pdf", "size": len(pdf()), "sha256": digest}
    assert stranger.call("POST", "/api/uploads/sign", 404, **about, **target)["code"] == "not_found"

    assert fetched(sales.call("GET", f"/api/files/{plan}/download", 302)).content == pdf()
    assert actions(plan) == ["file.signed", "file.confirmed", "file.ready", "file.read"]

    customer.call("POST", f"/api/bookings/{booking_id}/cancel", 200)
    assert customer.call("POST", "/api/uploads/sign", 409, **about, **target)["code"] == "invalid_state"
    assert customer.call("DELETE", f"/api/files/{photo}", 202)["state"] == "deleting"
    run_due()
    assert requests.get(shown["thumbnails"][0]["url"], timeout=TIMEOUT_SECONDS).status_code in {403, 404}
    assert customer.call("GET", f"/api/files/{photo}", 404)["code"] == "not_found"
    assert customer.call("GET", f"/api/files/{plan}", 200)["state"] == "ready"
    assert_hidden([customer, stranger, sales])
