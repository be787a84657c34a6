"""The rows of the API of files: who does what, what is answered, and which audit events are left."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pytest
from rest_framework.test import APIClient

from accounts.tests import factories as people
from audit.models import AuditEvent
from bookings.actions import cancellation
from bookings.models import Booking
from bookings.tests.factories import bearer, make_booking, make_offer, slot_start
from cms.actions import drafts, media
from cms.models import Project
from common import clock
from common.actor import Actor
from config.rates import Rate
from idempotency.models import StoredAnswer
from jobs.testing import run_due
from uploads.errors import StorageUnavailable
from uploads.models import File
from uploads.storage import get_storage
from uploads.tests.factories import claim, pdf, picture, put

SIGN, CONFIRM, FILES = "/api/uploads/sign", "/api/uploads/confirm", "/api/files/"
NO_ID = "0193a1b2-0000-7000-8000-000000000000"
HTML = b"<html><script>alert(1)</script></html>"
AFTER_GRACE_SECONDS = 661


@dataclass(frozen=True)
class Case:
    """One row; `events` are all audit events that it leaves, in order."""

    operation: str
    name: str
    status: int
    code: str
    events: tuple[str, ...]
    act: Callable[["World"], Any]

    @property
    def id(self) -> str:
        """The row's name in the test report."""
        return f"{self.operation}-{self.name or self.code or self.status}"


CASES: list[Case] = []
Act = Callable[["World"], Any]


def case(
    operation: str, status: int, code: str = "", *, events: tuple[str, ...] = (), name: str = ""
) -> Callable[[Act], Act]:
    """Register a row. Its function prepares, calls `w.mark()` and returns the response."""

    def register(act: Act) -> Act:
        CASES.append(Case(operation, name, status, code, events, act))
        return act

    return register


class World:
    """Colleagues by role, a customer with a booking, and uploads as far along as a row needs them."""

    def __init__(self, settings: Any, patch: pytest.MonkeyPatch) -> None:
        self.settings, self.patch, self.before = settings, patch, 0

    def mark(self) -> None:
        """From here on events belong to the row."""
        self.before = AuditEvent.objects.count()

    def role(self, name: str) -> APIClient:
        """A colleague who holds one role, signed in."""
        return people.staff(name)[1]

    @cached_property
    def owner(self) -> APIClient:
        """Staff with every permission."""
        return self.role("Owner")

    @cached_property
    def booking(self) -> Booking:
        """A booking that is held."""
        return make_booking(make_offer())

    @cached_property
    def customer(self) -> APIClient:
        """Its customer."""
        return self.holder(self.booking)

    @cached_property
    def stranger(self) -> APIClient:
        """The customer of another booking of the same service."""
        return self.holder(make_booking(self.booking.service.booking_offer, slot_start(12)))

    @cached_property
    def project(self) -> Project:
        """A draft of a project."""
        made: Project = drafts.create(
            model=Project, values={"slug": "harbour", "title": "Harbour"}, by=Actor.system("test")
        )
        return made

    def holder(self, booking: Booking) -> APIClient:
        """Whoever has the booking's token."""
        client = APIClient()
        client.default_format = "json"
        client.credentials(**bearer(booking))
        return client

    def cancel(self) -> None:
        """The customer gives the booking up."""
        cancellation.cancel(booking_id=self.booking.pk, by=Actor.customer(id=self.booking.pk))

    def attachment(self, content: bytes = b"", **changes: Any) -> dict[str, Any]:
        """A claim for a PDF at the booking."""
        own = {"purpose": "booking_attachment", "filename": "brief.pdf", "content_type": "application/pdf"}
        return claim(content or pdf(), **(own | {"booking_id": str(self.booking.pk)} | changes))

    def sign(self, client: APIClient, body: dict[str, Any] | None = None, **headers: str) -> Any:
        """Ask for a signature; without a body for a picture's."""
        return client.post(SIGN, body or claim(picture()), headers=headers or None)

    def pending(self, client: APIClient, content: bytes = b"", *, sent: bool = True, **changes: Any) -> dict[str, str]:
        """Sign and send; the body of confirm."""
        content = content or picture()
        signed = self.sign(client, claim(content, **changes)).json()
        if sent:
            assert put(signed["upload"], content).status_code == 200
        return {"file_id": signed["file_id"]}

    def pending_attachment(self, content: bytes = b"", **changes: Any) -> dict[str, str]:
        """The customer's PDF at the booking, sent."""
        signed = self.customer.post(SIGN, self.attachment(content, **changes)).json()
        assert put(signed["upload"], content or pdf()).status_code == 200
        return {"file_id": signed["file_id"]}

    def confirmed(self, client: APIClient, **changes: Any) -> str:
        """The id of a picture that waits to be processed."""
        body = self.pending(client, **changes)
        assert client.post(CONFIRM, body).status_code == 200
        return body["file_id"]

    def ready(self, client: APIClient, **changes: Any) -> str:
        """The id of a picture that is ready."""
        file_id = self.confirmed(client, **changes)
        run_due()
        assert File.objects.get(pk=file_id).state == "ready"
        return file_id

    def ready_attachment(self, content: bytes = b"", **changes: Any) -> str:
        """The id of the customer's file at the booking, ready."""
        body = self.pending_attachment(content, **changes)
        assert self.customer.post(CONFIRM, body).status_code == 200
        run_due()
        assert File.objects.get(pk=body["file_id"]).state == "ready"
        return body["file_id"]

    def use(self, file_id: str) -> None:
        """The library of pictures shows the file."""
        media.create(file=file_id, alt="A room", by=Actor.system("test"))

    def limit(self, name: str) -> None:
        """Give a limit one use a day."""
        self.settings.RATES = {**self.settings.RATES, name: Rate(1, 86_400)}

    def storage_away(self) -> None:
        """The store answers nothing from here on."""

        def away(*_: Any, **__: Any) -> Any:
            raise StorageUnavailable(retry_after=5)

        for name in ("head", "read_range"):
            self.patch.setattr(type(get_storage()), name, away)


def key() -> dict[str, str]:
    """A fresh Idempotency-Key."""
    return {"Idempotency-Key": str(uuid.uuid4())}


@case("signUpload", 201, events=("file.signed",), name="staff-image")
def _(w: World) -> Any:
    client = w.role("Author")
    w.mark()
    return w.sign(client)


@case("signUpload", 201, events=("file.signed",), name="staff-document")
def _(w: World) -> Any:
    client = w.owner
    w.mark()
    return w.sign(client, claim(pdf(), purpose="document", filename="terms.pdf", content_type="application/pdf"))


@case("signUpload", 201, events=("file.signed",), name="staff-project")
def _(w: World) -> Any:
    client, body = w.role("Editor"), claim(picture(), purpose="project_image", project_id=str(w.project.pk))
    w.mark()
    return w.sign(client, body)


@case("signUpload", 201, events=("file.signed",), name="staff-booking")
def _(w: World) -> Any:
    client, body = w.role("Sales"), w.attachment()
    w.mark()
    return w.sign(client, body)


@case("signUpload", 201, events=("file.signed",), name="customer")
def _(w: World) -> Any:
    client, body = w.customer, w.attachment()
    w.mark()
    return w.sign(client, body)


@case("signUpload", 201, name="replay")
def _(w: World) -> Any:
    body, once = claim(picture()), key()
    first = w.sign(w.owner, body, **once)
    w.mark()
    again = w.sign(w.owner, body, **once)
    assert again["Idempotent-Replayed"] == "true"
    assert again.json() | {"upload": None} == first.json() | {"upload": None}
    assert again.json()["upload"]["expires_at"] == first.json()["upload"]["expires_at"]
    assert File.objects.count() == 1
    return again


@case("signUpload", 400, "invalid_idempotency_key")
def _(w: World) -> Any:
    client = w.owner
    w.mark()
    return w.sign(client, **{"Idempotency-Key": '""'})


for _field in ("key", "bucket", "acl", "owner"):

    @case("signUpload", 400, "validation_error", name=f"field-{_field}")
    def _(w: World, field: str = _field) -> Any:
        client = w.owner
        w.mark()
        refused = w.sign(client, claim(picture(), **{field: "x"}))
        assert not File.objects.exists()
        return refused


@case("signUpload", 403, "permission_denied", name="no-permission")
def _(w: World) -> Any:
    client = w.role("Auditor")
    w.mark()
    return w.sign(client)


@case("signUpload", 403, "permission_denied", name="customer-image")
def _(w: World) -> Any:
    client = w.customer
    w.mark()
    return w.sign(client)


@case("signUpload", 403, "permission_denied", name="sees-but-may-not-attach")
def _(w: World) -> Any:
    client, body = w.role("Editor"), w.attachment()
    w.mark()
    return w.sign(client, body)


@case("signUpload", 404, "not_found", name="another-booking")
def _(w: World) -> Any:
    client, body = w.stranger, w.attachment()
    w.mark()
    return w.sign(client, body)


@case("signUpload", 404, "not_found", name="no-booking")
def _(w: World) -> Any:
    client, body = w.role("Sales"), w.attachment(booking_id=NO_ID)
    w.mark()
    return w.sign(client, body)


@case("signUpload", 404, "not_found", name="unseen-booking")
def _(w: World) -> Any:
    client, body = w.role("Author"), w.attachment()
    w.mark()
    return w.sign(client, body)


@case("signUpload", 403, "permission_denied", name="sees-the-project-only")
def _(w: World) -> Any:
    client, body = w.role("Auditor"), claim(picture(), purpose="project_image", project_id=str(w.project.pk))
    w.mark()
    return w.sign(client, body)


@case("signUpload", 404, "not_found", name="a-colleagues-draft")
def _(w: World) -> Any:
    client, body = w.role("Author"), claim(picture(), purpose="project_image", project_id=str(w.project.pk))
    w.mark()
    return w.sign(client, body)


@case("signUpload", 404, "not_found", name="no-project")
def _(w: World) -> Any:
    client = w.owner
    w.mark()
    return w.sign(client, claim(picture(), purpose="project_image", project_id=NO_ID))


@case("signUpload", 409, "invalid_state", name="cancelled")
def _(w: World) -> Any:
    client, body = w.customer, w.attachment()
    w.cancel()
    w.mark()
    return w.sign(client, body)


@case("signUpload", 409, "invalid_state", name="trashed-project")
def _(w: World) -> Any:
    client, body = w.owner, claim(picture(), purpose="project_image", project_id=str(w.project.pk))
    Project.objects.filter(pk=w.project.pk).update(deleted_at=clock.db_now())
    w.mark()
    return w.sign(client, body)


@case("signUpload", 409, "invalid_state", name="replay-after-confirm")
def _(w: World) -> Any:
    content, once = picture(), key()
    signed = w.sign(w.owner, claim(content), **once).json()
    put(signed["upload"], content)
    assert w.owner.post(CONFIRM, {"file_id": signed["file_id"]}).status_code == 200
    w.mark()
    return w.sign(w.owner, claim(content), **once)


@case("signUpload", 409, "request_in_progress")
def _(w: World) -> Any:
    body, once = claim(picture()), key()
    w.sign(w.owner, body, **once)
    StoredAnswer.objects.update(status=None, lease_until=clock.db_now().replace(year=2100))
    w.mark()
    return w.sign(w.owner, body, **once)


@case("signUpload", 410, "upload_expired")
def _(w: World) -> Any:
    body, once = w.attachment(), key()
    w.sign(w.customer, body, **once)
    w.mark()
    with clock.shift(601):
        return w.sign(w.customer, body, **once)


@case("signUpload", 413, "file_too_large")
def _(w: World) -> Any:
    client = w.owner
    w.mark()
    refused = w.sign(client, claim(picture(), size=25 * 1024 * 1024 + 1))
    assert refused.json()["max_bytes"] == 25 * 1024 * 1024
    return refused


@case("signUpload", 415, "content_type_not_allowed")
def _(w: World) -> Any:
    client = w.owner
    w.mark()
    refused = w.sign(client, claim(picture(), content_type="image/svg+xml"))
    assert refused.json()["allowed"] == ["image/jpeg", "image/png", "image/webp"]
    return refused


@case("signUpload", 422, "idempotency_key_reused")
def _(w: World) -> Any:
    once = key()
    w.sign(w.owner, claim(picture()), **once)
    w.mark()
    return w.sign(w.owner, claim(picture(), filename="other.png"), **once)


@case("signUpload", 429, "rate_limited")
def _(w: World) -> Any:
    w.limit("UPLOAD_SIGN")
    w.sign(w.owner)
    w.mark()
    return w.sign(w.owner)


@case("signUpload", 429, "too_many_pending")
def _(w: World) -> Any:
    w.settings.UPLOAD_MAX_PENDING = 1
    w.sign(w.owner)
    w.mark()
    return w.sign(w.owner)


@case("signUpload", 429, "quota_exceeded")
def _(w: World) -> Any:
    w.settings.UPLOAD_MAX_OWNER_BYTES = 2 * len(picture()) - 1
    w.sign(w.owner)
    w.mark()
    refused = w.sign(w.owner)
    assert "retry_after" not in refused.json()
    return refused


@case("signUpload", 503, "storage_not_configured", name="no-store")
def _(w: World) -> Any:
    client = w.owner
    w.settings.STORAGE = "none"
    w.mark()
    return w.sign(client)


@case("signUpload", 503, "storage_not_configured", name="no-public-bucket")
def _(w: World) -> Any:
    client = w.owner
    w.settings.STORAGE, w.settings.S3_BUCKET_NAME, w.settings.S3_PUBLIC_BUCKET_NAME = "s3", "studio-private", ""
    w.settings.AWS_ACCESS_KEY_ID, w.settings.AWS_SECRET_ACCESS_KEY = "a", "b"
    w.mark()
    return w.sign(client)
