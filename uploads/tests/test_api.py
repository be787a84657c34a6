"""The way of a file over HTTP, and its refusals."""

import re
import uuid
from typing import Any

import pytest
from django.test import Client

from audit.models import AuditEvent
from common.clock import shift
from config.rates import Rate
from jobs.models import Job
from jobs.testing import run_due
from uploads import ports
from uploads.constants import Bucket, State
from uploads.models import File
from uploads.storage.local import LocalStorage
from uploads.tests.factories import (
    Bookings,
    arrived,
    claim,
    customer_client,
    make_user,
    path_of,
    pdf,
    picture,
    put,
    sign,
    staff_client,
    upload,
)

pytestmark = pytest.mark.django_db
SECOND, MINUTE = 1, 60
MAX_FILE_BYTES = 25 * 1024 * 1024


def problem(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["code"]


def test_an_image_goes_from_signature_to_thumbnail(store: LocalStorage) -> None:
    client, content = staff_client(), picture((640, 400))
    signed = sign(client, content)
    file = File.objects.get()
    assert signed == {
        "file_id": str(file.pk),
        "state": "pending",
        "upload": {
            "method": "PUT",
            "url": signed["upload"]["url"],
            "headers": {
                "Content-Type": "image/png",
                "x-amz-checksum-sha256": signed["upload"]["headers"]["x-amz-checksum-sha256"],
                "If-None-Match": "*",
            },
            "expires_at": f"{file.expires_at:%Y-%m-%dT%H:%M:%SZ}",
        },
        "confirm": "/api/uploads/confirm",
        "max_bytes": MAX_FILE_BYTES,
    }
    assert put(signed["upload"], content).status_code == 200

    confirmed = client.post("/api/uploads/confirm", {"file_id": signed["file_id"]})
    assert confirmed.status_code == 200
    assert confirmed["Cache-Control"] == "no-store"
    assert confirmed.json() == {
        "id": str(file.pk),
        "purpose": "image",
        "state": "uploaded",
        "reason": "",
        "name": "holiday.png",
        "size": len(content),
        "content_type": "image/png",
        "thumbnails": [],
    }
    assert run_due() == 1

    shown = client.get(f"/api/files/{file.pk}").json()
    assert (shown["state"], shown["size"], shown["content_type"]) == ("ready", len(content), "image/png")
    assert [(t["width"], t["height"], t["type"]) for t in shown["thumbnails"]] == [
        (320, 200, "image/webp"),
        (640, 400, "image/webp"),
    ]
    served = Client().get(path_of(shown["thumbnails"][0]["url"]))
    assert (served.status_code, served["Content-Type"]) == (200, "image/webp")
    assert served["Cache-Control"] == "public, max-age=31536000, immutable"
    assert served["X-Content-Type-Options"] == "nosniff"
    assert served["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert b"".join(served.streaming_content).startswith(b"RIFF")

    file.refresh_from_db()
    assert store.head(Bucket.PRIVATE, file.quarantine_key) is None
    assert len(store.list(Bucket.PUBLIC, "files/", limit=10)) == 3
    assert list(AuditEvent.objects.order_by("id").values_list("action", flat=True)) == [
        "file.signed",
        "file.confirmed",
        "file.ready",
    ]


def test_confirming_again_gives_the_present_state_and_makes_no_second_job() -> None:
    client = staff_client()
    first = upload(client, picture())
    again = client.post("/api/uploads/confirm", {"file_id": first.json()["id"]})
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.json() == first.json()
    assert Job.objects.filter(kind="uploads.process").count() == 1
    assert AuditEvent.objects.filter(action="file.confirmed").count() == 1
    run_due()
    assert client.post("/api/uploads/confirm", {"file_id": first.json()["id"]}).json()["state"] == "ready"


def test_confirm_before_the_bytes_may_be_repeated() -> None:
    client, content = staff_client(), picture()
    signed = sign(client, content)
    early = client.post("/api/uploads/confirm", {"file_id": signed["file_id"]})
    assert problem(early) == (409, "upload_missing")
    assert (File.objects.get().state, Job.objects.count()) == ("pending", 0)
    assert put(signed["upload"], content).status_code == 200
    assert client.post("/api/uploads/confirm", {"file_id": signed["file_id"]}).status_code == 200


def test_html_that_calls_itself_png_is_rejected_and_deleted(store: LocalStorage) -> None:
    client, content = staff_client(), b"<html><script>alert(1)</script></html>"
    refused = upload(client, content)
    assert problem(refused) == (422, "type_mismatch")
    file = File.objects.get()
    assert (file.state, file.reason) == ("rejected", "type_mismatch")
    assert store.head(Bucket.PRIVATE, file.quarantine_key) is None
    assert Job.objects.count() == 0
    assert AuditEvent.objects.filter(action="file.rejected", reason="type_mismatch").count() == 1
    assert problem(client.post("/api/uploads/confirm", {"file_id": str(file.pk)})) == (409, "invalid_state")


@pytest.mark.parametrize(("size", "code"), [(-1, "size_mismatch"), (1, "size_mismatch"), (0, "checksum_mismatch")])
def test_an_object_that_is_not_what_was_signed_is_rejected(size: int, code: str) -> None:
    user, content = make_user("add_file"), picture()
    file = arrived(content, owner_kind="staff", owner_id=str(user.pk), declared_sha256="0" * 64)
    File.objects.update(declared_size=len(content) + size)
    answer = staff_client(user=user).post("/api/uploads/confirm", {"file_id": str(file.pk)})
    assert problem(answer) == (422, code)
    assert File.objects.get().state == State.REJECTED


@pytest.mark.parametrize("extra", ["key", "owner", "bucket", "acl"])
def test_nobody_chooses_a_key_or_an_owner(extra: str) -> None:
    answer = staff_client().post("/api/uploads/sign", claim(picture(), **{extra: "x"}))
    assert problem(answer) == (400, "validation_error")
    assert [(e["pointer"], e["code"]) for e in answer.json()["errors"]] == [(f"#/{extra}", "unknown_field")]
    assert File.objects.count() == 0


@pytest.mark.parametrize("size", [0, -1, "12", 1e3, None, True])
def test_a_size_is_a_positive_integer(size: Any) -> None:
    answer = staff_client().post("/api/uploads/sign", claim(picture(), size=size))
    assert problem(answer) == (400, "validation_error")
    assert answer.json()["errors"][0]["pointer"] == "#/size"
    assert File.objects.count() == 0


@pytest.mark.parametrize("size", [MAX_FILE_BYTES + 1, 2**63])
def test_a_size_above_the_limit_is_too_large(size: int) -> None:
    answer = staff_client().post("/api/uploads/sign", claim(picture(), size=size))
    assert problem(answer) == (413, "file_too_large")
    assert answer.json()["max_bytes"] == MAX_FILE_BYTES
    assert File.objects.count() == 0


@pytest.mark.parametrize("kind", ["image/svg+xml", "text/html", "application/xml", "image/gif", "application/pdf"])
def test_types_outside_the_list_of_the_purpose_are_refused(kind: str) -> None:
    answer = staff_client().post("/api/uploads/sign", claim(picture(), content_type=kind))
    assert problem(answer) == (415, "content_type_not_allowed")
    assert answer.json()["allowed"] == ["image/jpeg", "image/png", "image/webp"]
    assert File.objects.count() == 0


def test_a_credential_and_a_permission_are_needed(api: Any) -> None:
    body = claim(picture())
    assert problem(api.post("/api/uploads/sign", body)) == (401, "not_authenticated")
    assert problem(staff_client("view_file").post("/api/uploads/sign", body)) == (403, "permission_denied")
    assert problem(customer_client(uuid.uuid4()).post("/api/uploads/sign", body)) == (403, "permission_denied")
    assert File.objects.count() == 0


def test_a_file_of_somebody_else_is_not_there() -> None:
    file_id = upload(staff_client(), picture()).json()["id"]
    other = staff_client()
    refused = other.post("/api/uploads/confirm", {"file_id": file_id})
    unknown = other.post("/api/uploads/confirm", {"file_id": str(uuid.uuid4())})
    assert problem(refused) == problem(unknown) == (404, "not_found")
    assert problem(other.get(f"/api/files/{file_id}")) == (404, "not_found")
    run_due()
    assert other.get(f"/api/files/{file_id}").status_code == 200  # ready, and staff may view files
    assert problem(staff_client("add_file").get(f"/api/files/{file_id}")) == (404, "not_found")


def test_customers_attach_to_their_own_booking_only(bookings: Bookings) -> None:
    mine, theirs = uuid.uuid4(), uuid.uuid4()
    client, content = customer_client(mine), pdf()
    body = {"purpose": "booking_attachment", "content_type": "application/pdf", "filename": "brief.pdf"}
    foreign = client.post("/api/uploads/sign", claim(content, **body, booking_id=str(theirs)))
    assert problem(foreign) == (404, "not_found")
    bookings.cancelled.add(str(mine))
    cancelled = client.post("/api/uploads/sign", claim(content, **body, booking_id=str(mine)))
    assert problem(cancelled) == (409, "invalid_state")
    assert File.objects.count() == 0
    bookings.cancelled.clear()
    file_id = upload(client, content, **body, booking_id=str(mine)).json()["id"]
    run_due()
    file = File.objects.get()
    assert (file.owner_kind, file.owner_id, file.target_kind, file.target_id) == (
        "customer",
        str(mine),
        "booking",
        mine,
    )
    assert problem(customer_client(theirs).get(f"/api/files/{file_id}")) == (404, "not_found")

    answer = client.get(f"/api/files/{file_id}/download")
    assert answer.status_code == 302
    served = Client().get(path_of(answer["Location"]))
    assert b"".join(served.streaming_content) == content
    assert served["Content-Type"] == "application/pdf"
    assert served["Content-Disposition"] == "attachment; filename*=UTF-8''brief.pdf"
    assert served["Cache-Control"] == "private, no-store"
    assert not AuditEvent.objects.filter(action="file.read").exists()
    assert staff_client().get(f"/api/files/{file_id}/download").status_code == 302
    assert AuditEvent.objects.filter(action="file.read").count() == 1


@pytest.mark.parametrize(
    ("filename", "name"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\ana\\plan.png", "plan.png"),
        ("invoice\u202egnp.exe", "invoicegnp.exe"),
        ("a\r\nSet-Cookie: x=1.png", "aSet-Cookie: x=1.png"),
        ("x" * 300 + ".png", "x" * 176 + ".png"),
        ('"; filename=evil.html', '"; filename=evil.html'),
        ("\u0646\u0642\u0634\u0629.png", "\u0646\u0642\u0634\u0629.png"),
    ],
)
def test_a_name_is_text_and_never_a_key_or_a_raw_header(filename: str, name: str) -> None:
    client = staff_client()
    file_id = upload(client, picture(), filename=filename).json()["id"]
    run_due()
    file = File.objects.get(pk=file_id)
    assert client.get(f"/api/files/{file_id}").json()["name"] == file.name == name
    assert all(re.fullmatch(r"[a-z0-9/.-]+", key) for key in (file.quarantine_key, file.clean_key))
    served = Client().get(path_of(client.get(f"/api/files/{file_id}/download")["Location"]))
    assert re.fullmatch(r"attachment; filename\*=UTF-8''[A-Za-z0-9._~%-]+", served["Content-Disposition"])
    assert "Set-Cookie" not in served.headers
    served.close()


@pytest.mark.parametrize("filename", ["", "..", "/", "\u202e", "x" * 1001, 5, None])
def test_a_name_that_is_none(filename: Any) -> None:
    answer = staff_client().post("/api/uploads/sign", claim(picture(), filename=filename))
    assert problem(answer) == (400, "validation_error")
    assert [one["pointer"] for one in answer.json()["errors"]] == ["#/filename"]
    assert not File.objects.exists()


def test_a_purpose_takes_its_own_target_and_no_other() -> None:
    client = staff_client()
    missing = client.post("/api/uploads/sign", claim(picture(), purpose="booking_attachment"))
    assert [(e["pointer"], e["code"]) for e in missing.json()["errors"]] == [("#/booking_id", "required")]
    extra = client.post("/api/uploads/sign", claim(picture(), project_id=str(uuid.uuid4())))
    assert [(e["pointer"], e["code"]) for e in extra.json()["errors"]] == [("#/project_id", "not_applicable")]
    assert File.objects.count() == 0


def test_confirm_takes_the_id_and_nothing_else() -> None:
    client = staff_client()
    for body in ({}, {"file_id": 5}, {"file_id": str(uuid.uuid4()), "key": "quarantine/x"}):
        assert problem(client.post("/api/uploads/confirm", body)) == (400, "validation_error")


def test_an_upload_expires() -> None:
    client, content = staff_client(), picture()
    signed = sign(client, content)
    with shift(10 * MINUTE + 59 * SECOND):
        assert put(signed["upload"], content).status_code == 403
        assert problem(client.post("/api/uploads/confirm", {"file_id": signed["file_id"]})) == (409, "upload_missing")
    with shift(11 * MINUTE + SECOND):
        assert problem(client.post("/api/uploads/confirm", {"file_id": signed["file_id"]})) == (410, "upload_expired")


def test_a_replayed_signature_is_for_the_same_file() -> None:
    client, body, key = staff_client(), claim(picture()), {"Idempotency-Key": str(uuid.uuid4())}
    first = client.post("/api/uploads/sign", body, headers=key)
    again = client.post("/api/uploads/sign", body, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert again["Idempotent-Replayed"] == "true"
    assert first.json()["file_id"] == again.json()["file_id"]
    assert first.json()["upload"]["expires_at"] == again.json()["upload"]["expires_at"]
    other = client.post("/api/uploads/sign", body | {"filename": "other.png"}, headers=key)
    assert problem(other) == (422, "idempotency_key_reused")
    assert File.objects.count() == 1


def test_twenty_pending_uploads_are_enough(django_assert_max_num_queries: Any) -> None:
    client, content = staff_client(), picture()
    for _ in range(20):
        sign(client, content)
    refused = client.post("/api/uploads/sign", claim(content))
    assert problem(refused) == (429, "too_many_pending")
    assert 650 <= int(refused["Retry-After"]) == refused.json()["retry_after"] <= 660
    assert File.objects.count() == 20
    sign(staff_client(), content)  # another owner has room of their own


def test_the_space_of_an_owner_is_limited() -> None:
    user, content = make_user("add_file"), picture()
    arrived(content, owner_kind="staff", owner_id=str(user.pk))
    File.objects.update(declared_size=2 * 1024**3 - len(content) + 1)
    refused = staff_client(user=user).post("/api/uploads/sign", claim(content))
    assert problem(refused) == (429, "quota_exceeded")
    assert "Retry-After" not in refused
    assert File.objects.count() == 1


def test_signing_has_a_rate(settings: Any) -> None:
    settings.RATES = settings.RATES | {"UPLOAD_SIGN": Rate(1, 60)}
    client = staff_client()
    sign(client, picture())
    assert problem(client.post("/api/uploads/sign", claim(picture()))) == (429, "rate_limited")


def test_without_a_store_uploads_are_off(settings: Any) -> None:
    settings.STORAGE = "none"
    assert problem(staff_client().post("/api/uploads/sign", claim(picture()))) == (503, "storage_not_configured")
    assert File.objects.count() == 0


def test_deleting_withdraws_at_once_and_removes_the_objects(store: LocalStorage) -> None:
    client = staff_client()
    file_id = upload(client, picture()).json()["id"]
    run_due()
    answer = client.delete(f"/api/files/{file_id}")
    assert (answer.status_code, answer.json()["state"]) == (202, "deleting")
    assert problem(client.get(f"/api/files/{file_id}")) == (404, "not_found")
    run_due()
    file = File.objects.get()
    assert file.state == "deleted"
    assert file.deleted_at is not None
    assert store.list(Bucket.PUBLIC, "", limit=10) == []
    assert problem(client.delete(f"/api/files/{file_id}")) == (404, "not_found")


def test_a_file_in_use_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    client = staff_client()
    file_id = upload(client, picture()).json()["id"]
    run_due()
    monkeypatch.setattr(ports, "_uses", [])
    ports.register_use(lambda used: str(used) == file_id)
    assert problem(client.delete(f"/api/files/{file_id}")) == (409, "invalid_state")
    assert File.objects.get().state == "ready"


def test_deleting_needs_the_owner_or_the_permission() -> None:
    file_id = upload(staff_client(), picture()).json()["id"]
    run_due()
    assert problem(staff_client("view_file").delete(f"/api/files/{file_id}")) == (404, "not_found")
    assert File.objects.get().state == "ready"
    assert staff_client("delete_file").delete(f"/api/files/{file_id}").status_code == 202
