"""Pictures made on the spot, people, and the client's side of an upload."""

import hashlib
import io
import uuid
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.models import AnonymousUser, Permission
from django.test import Client
from PIL import Image
from rest_framework.test import APIClient

from common.actor import Actor, ActorKind
from common.clock import db_now
from common.grants import BookingGrant
from jobs.actions import enqueue
from uploads.constants import PROCESS_JOB, Bucket, State
from uploads.errors import InvalidState
from uploads.models import File
from uploads.storage import get_storage

ALL_PERMISSIONS = ("add_file", "view_file", "change_file", "delete_file", "view_booking", "change_booking")
APPS = ("uploads", "bookings", "cms", "accounts")
ORIENTATION, GPS = 0x0112, 0x8825


class Bookings:
    """Answers like the app that owns bookings: a customer has one booking, and cancelled ones take no files."""

    def __init__(self) -> None:
        self.cancelled: set[str] = set()

    def may_attach(self, actor: Actor, target_id: uuid.UUID) -> bool:
        if not self.may_read(actor, target_id):
            return False
        if str(target_id) in self.cancelled:
            raise InvalidState("The booking is cancelled.")
        return True

    def may_read(self, actor: Actor, target_id: uuid.UUID) -> bool:
        return actor.kind is ActorKind.STAFF or actor.id == str(target_id)


def make_user(*codenames: str, email: str = "") -> Any:
    """A member of staff with permissions on files."""
    user = get_user_model().objects.create(email=email or f"{uuid.uuid4().hex}@example.com", created_at=db_now())
    wanted = Permission.objects.filter(content_type__app_label__in=APPS, codename__in=codenames)
    user.user_permissions.set(wanted)
    return user


def staff_client(*codenames: str, user: Any = None) -> APIClient:
    """An API client signed in as staff; without names, with all permissions on files."""
    client = APIClient()
    client.default_format = "json"
    client.force_authenticate(user=user or make_user(*(codenames or ALL_PERMISSIONS)))
    return client


def customer_client(booking_id: uuid.UUID) -> APIClient:
    """An API client that holds the token of a booking."""
    client = APIClient()
    client.default_format = "json"
    client.force_authenticate(user=AnonymousUser(), token=BookingGrant(booking_id))
    return client


def picture(size: tuple[int, int] = (40, 30), kind: str = "PNG", color: Any = (200, 30, 30), **save: Any) -> bytes:
    """A picture of one colour."""
    buffer = io.BytesIO()
    Image.new("RGBA" if len(color) == 4 else "RGB", size, color).save(buffer, format=kind, **save)
    return buffer.getvalue()


def photograph() -> bytes:
    """A JPEG 60 x 40 lying on its side (orientation 6) with a place and a comment in it; its left half is red."""
    image = Image.new("RGB", (60, 40), (0, 0, 255))
    image.paste((255, 0, 0), (0, 0, 30, 40))
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    exif.get_ifd(GPS)[1] = "S"
    exif.get_ifd(GPS)[2] = (1.0, 17.0, 11.0)
    buffer = io.BytesIO()
    image.save(buffer, format="JPEG", exif=exif.tobytes(), quality=95, comment=b"shot at home")
    return buffer.getvalue()


def pdf() -> bytes:
    """The outline of a PDF."""
    return b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"


def claim(content: bytes, **changes: Any) -> dict[str, Any]:
    """A body of `POST /api/uploads/sign` for these bytes."""
    return {
        "purpose": "image",
        "filename": "holiday.png",
        "content_type": "image/png",
        "size": len(content),
        "sha256": hashlib.sha256(content).hexdigest(),
    } | changes


def path_of(url: str) -> str:
    """The path of a URL of ours."""
    return "/" + url.split("/", 3)[3]


def put(upload: dict[str, Any], content: bytes, **headers: str | None) -> Any:
    """Do what a browser does with the answer of sign; a header given as None is left out."""
    sent = {k: v for k, v in (upload["headers"] | headers).items() if v is not None}
    content_type = sent.pop("Content-Type", "")
    return Client().put(path_of(upload["url"]), data=content, content_type=content_type, headers=sent)


def sign(client: APIClient, content: bytes, **changes: Any) -> dict[str, Any]:
    """Sign an upload and return the answer's body."""
    answer = client.post("/api/uploads/sign", claim(content, **changes))
    assert answer.status_code == 201, answer.content
    return answer.json()


def upload(client: APIClient, content: bytes, **changes: Any) -> Any:
    """Sign, put and confirm; return the response of confirm."""
    signed = sign(client, content, **changes)
    assert put(signed["upload"], content).status_code == 200
    return client.post("/api/uploads/confirm", {"file_id": signed["file_id"]})


def arrived(content: bytes, **values: Any) -> File:
    """A row that waits for confirmation, whose bytes are in the store already."""
    now = db_now()
    file = File.objects.create(
        **{
            "owner_kind": "system",
            "owner_id": "tests",
            "purpose": "image",
            "name": "holiday.png",
            "declared_type": "image/png",
            "declared_size": len(content),
            "declared_sha256": hashlib.sha256(content).hexdigest(),
            "quarantine_key": f"quarantine/2026/11/{uuid.uuid4()}",
            "created_at": now,
            "expires_at": now,
        }
        | values
    )
    store(file, content)
    return file


def store(file: File, content: bytes) -> str:
    """Write bytes under a file's quarantine key and return their ETag."""
    storage: Any = get_storage()
    storage._write(
        Bucket.PRIVATE, file.quarantine_key, io.BytesIO(content), {"content_type": file.declared_type}, once=False
    )
    return hashlib.sha256(content).hexdigest()


def waiting(content: bytes, **values: Any) -> File:
    """A confirmed file with its job."""
    file = arrived(
        content, **{"state": State.UPLOADED, "confirmed_at": db_now(), "observed_size": len(content)} | values
    )
    File.objects.filter(pk=file.pk).update(etag=store(file, content))
    enqueue(kind=PROCESS_JOB, args={"file_id": str(file.pk)}, by=Actor.system("tests"), dedupe_key=str(file.pk))
    file.refresh_from_db()
    return file
