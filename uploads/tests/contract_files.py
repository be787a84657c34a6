"""The rows of what follows a signature: confirming, reading, downloading, deleting."""

from typing import Any

from django.contrib.auth.models import Group

from common import clock
from uploads.models import File
from uploads.tests.contract import (
    AFTER_GRACE_SECONDS,
    CONFIRM,
    FILES,
    HTML,
    NO_ID,
    World,
    case,
)
from uploads.tests.factories import pdf, picture

PICTURE = {"filename": "room.png", "content_type": "image/png"}


@case("confirmUpload", 200, events=("file.confirmed",), name="staff")
def _(w: World) -> Any:
    body = w.pending(w.owner)
    w.mark()
    return w.owner.post(CONFIRM, body)


@case("confirmUpload", 200, events=("file.confirmed",), name="customer")
def _(w: World) -> Any:
    body = w.pending_attachment()
    w.mark()
    return w.customer.post(CONFIRM, body)


@case("confirmUpload", 200, name="again")
def _(w: World) -> Any:
    file_id = w.confirmed(w.owner)
    w.mark()
    return w.owner.post(CONFIRM, {"file_id": file_id})


@case("confirmUpload", 400, "validation_error", name="field-key")
def _(w: World) -> Any:
    body = w.pending(w.owner)
    w.mark()
    return w.owner.post(CONFIRM, body | {"key": "quarantine/x"})


@case("confirmUpload", 403, "permission_denied", name="right-gone")
def _(w: World) -> Any:
    client = w.role("Author")
    body = w.pending(client)
    Group.objects.get(name="Author").permissions.clear()
    w.mark()
    return client.post(CONFIRM, body)


@case("confirmUpload", 404, "not_found", name="unknown")
def _(w: World) -> Any:
    client = w.owner
    w.mark()
    return client.post(CONFIRM, {"file_id": NO_ID})


@case("confirmUpload", 404, "not_found", name="somebody-elses")
def _(w: World) -> Any:
    body = w.pending_attachment()
    client = w.stranger
    w.mark()
    return client.post(CONFIRM, body)


@case("confirmUpload", 404, "not_found", name="deleted")
def _(w: World) -> Any:
    body = w.pending(w.owner)
    assert w.owner.delete(FILES + body["file_id"]).status_code == 202
    w.mark()
    return w.owner.post(CONFIRM, body)


@case("confirmUpload", 409, "upload_missing")
def _(w: World) -> Any:
    body = w.pending(w.owner, sent=False)
    w.mark()
    return w.owner.post(CONFIRM, body)


@case("confirmUpload", 409, "invalid_state", name="rejected")
def _(w: World) -> Any:
    body = w.pending(w.owner, HTML)
    assert w.owner.post(CONFIRM, body).status_code == 422
    w.mark()
    return w.owner.post(CONFIRM, body)


@case("confirmUpload", 409, "invalid_state", name="cancelled-meanwhile")
def _(w: World) -> Any:
    body = w.pending_attachment()
    w.cancel()
    w.mark()
    return w.customer.post(CONFIRM, body)


@case("confirmUpload", 410, "upload_expired")
def _(w: World) -> Any:
    body = w.pending_attachment()
    w.mark()
    with clock.shift(AFTER_GRACE_SECONDS):
        return w.customer.post(CONFIRM, body)


@case("confirmUpload", 422, "size_mismatch", events=("file.rejected",))
def _(w: World) -> Any:
    body = w.pending(w.owner)
    File.objects.update(declared_size=5)
    w.mark()
    return w.owner.post(CONFIRM, body)


@case("confirmUpload", 422, "type_mismatch", events=("file.rejected",), name="sniffed")
def _(w: World) -> Any:
    body = w.pending(w.owner, HTML)
    w.mark()
    return w.owner.post(CONFIRM, body)


@case("confirmUpload", 422, "type_mismatch", events=("file.rejected",), name="header")
def _(w: World) -> Any:
    body = w.pending(w.owner)
    File.objects.update(declared_type="image/webp")
    w.mark()
    return w.owner.post(CONFIRM, body)


@case("confirmUpload", 422, "checksum_mismatch", events=("file.rejected",))
def _(w: World) -> Any:
    body = w.pending(w.owner)
    File.objects.update(declared_sha256="0" * 64)
    w.mark()
    return w.owner.post(CONFIRM, body)


@case("confirmUpload", 429, "rate_limited")
def _(w: World) -> Any:
    body = w.pending(w.owner)
    w.limit("UPLOAD_CONFIRM")
    w.owner.post(CONFIRM, body)
    w.mark()
    return w.owner.post(CONFIRM, body)


@case("confirmUpload", 503, "storage_unavailable")
def _(w: World) -> Any:
    body = w.pending(w.owner)
    w.storage_away()
    w.mark()
    refused = w.owner.post(CONFIRM, body)
    assert (File.objects.get().state, File.objects.get().version) == ("pending", 1)
    return refused


@case("confirmUpload", 503, "storage_not_configured")
def _(w: World) -> Any:
    body = w.pending(w.owner)
    w.settings.STORAGE = "none"
    w.mark()
    refused = w.owner.post(CONFIRM, body)
    assert File.objects.get().state == "pending"
    return refused


@case("getFile", 200, name="own-state")
def _(w: World) -> Any:
    body = w.pending(w.owner)
    w.mark()
    return w.owner.get(FILES + body["file_id"])


@case("getFile", 200, name="customers-own")
def _(w: World) -> Any:
    file_id = w.ready_attachment(picture(), **PICTURE)
    w.mark()
    return w.customer.get(FILES + file_id)


@case("getFile", 200, events=("file.read",), name="staff-read-a-customers")
def _(w: World) -> Any:
    file_id, client = w.ready_attachment(), w.role("Auditor")
    w.mark()
    return client.get(FILES + file_id)


@case("getFile", 200, events=("file.read",), name="staff-read-a-colleagues")
def _(w: World) -> Any:
    file_id, client = w.ready(w.owner), w.role("Auditor")
    w.mark()
    return client.get(FILES + file_id)


@case("getFile", 200, name="customer-reads-what-staff-attached")
def _(w: World) -> Any:
    changes = {"filename": "offer.pdf", "content_type": "application/pdf", "booking_id": str(w.booking.pk)}
    file_id = w.ready(w.role("Sales"), content=pdf(), purpose="booking_attachment", **changes)
    w.mark()
    return w.customer.get(FILES + file_id)


@case("getFile", 404, "not_found", name="unknown")
def _(w: World) -> Any:
    client = w.owner
    w.mark()
    return client.get(FILES + NO_ID)


@case("getFile", 404, "not_found", name="another-customers")
def _(w: World) -> Any:
    file_id, client = w.ready_attachment(), w.stranger
    w.mark()
    return client.get(FILES + file_id)


@case("getFile", 404, "not_found", name="without-the-permission")
def _(w: World) -> Any:
    file_id, client = w.ready_attachment(), w.role("Author")
    w.mark()
    return client.get(FILES + file_id)


@case("getFile", 404, "not_found", name="not-ready-yet")
def _(w: World) -> Any:
    file_id, client = w.confirmed(w.owner), w.role("Auditor")
    w.mark()
    return client.get(FILES + file_id)


@case("getFile", 503, "storage_not_configured")
def _(w: World) -> Any:
    file_id = w.ready_attachment(picture(), **PICTURE)
    w.settings.STORAGE = "none"
    w.mark()
    return w.customer.get(FILES + file_id)


@case("downloadFile", 302, name="customer")
def _(w: World) -> Any:
    file_id = w.ready_attachment()
    w.mark()
    return w.customer.get(f"{FILES}{file_id}/download")


@case("downloadFile", 302, events=("file.read",), name="staff")
def _(w: World) -> Any:
    file_id, client = w.ready_attachment(), w.role("Sales")
    w.mark()
    return client.get(f"{FILES}{file_id}/download")


@case("downloadFile", 404, "not_found", name="another-customers")
def _(w: World) -> Any:
    file_id, client = w.ready_attachment(), w.stranger
    w.mark()
    return client.get(f"{FILES}{file_id}/download")


@case("downloadFile", 409, "invalid_state")
def _(w: World) -> Any:
    file_id = w.confirmed(w.owner)
    w.mark()
    return w.owner.get(f"{FILES}{file_id}/download")


@case("downloadFile", 503, "storage_not_configured")
def _(w: World) -> Any:
    file_id = w.ready(w.owner)
    w.settings.STORAGE = "none"
    w.mark()
    return w.owner.get(f"{FILES}{file_id}/download")


@case("deleteFile", 202, events=("file.deleting",), name="staff")
def _(w: World) -> Any:
    file_id = w.ready(w.owner)
    w.mark()
    return w.owner.delete(FILES + file_id)


@case("deleteFile", 202, events=("file.deleting",), name="customer")
def _(w: World) -> Any:
    file_id = w.ready_attachment()
    w.mark()
    return w.customer.delete(FILES + file_id)


@case("deleteFile", 404, "not_found", name="again")
def _(w: World) -> Any:
    file_id = w.ready(w.owner)
    w.owner.delete(FILES + file_id)
    w.mark()
    return w.owner.delete(FILES + file_id)


@case("deleteFile", 404, "not_found", name="may-read-only")
def _(w: World) -> Any:
    file_id, client = w.ready(w.owner), w.role("Auditor")
    w.mark()
    refused = client.delete(FILES + file_id)
    assert File.objects.get().state == "ready"
    return refused


@case("deleteFile", 409, "invalid_state", name="in-use")
def _(w: World) -> Any:
    file_id = w.ready(w.owner)
    w.use(file_id)
    w.mark()
    return w.owner.delete(FILES + file_id)


@case("deleteFile", 409, "invalid_state", name="never-arrived")
def _(w: World) -> Any:
    body = w.pending(w.owner, sent=False)
    File.objects.update(state="expired")
    w.mark()
    return w.owner.delete(FILES + body["file_id"])
