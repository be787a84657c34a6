"""Purposes, states and limits of files."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.db import models

MEGABYTE: Final = 1024 * 1024

MAX_NAME_CHARACTERS: Final = 180

UPLOAD_TTL_SECONDS: Final = 10 * 60
KEEP_DELETED_DAYS: Final = 30
CONFIRM_GRACE_SECONDS: Final = 60
READ_URL_TTL_SECONDS: Final = 60
SNIFF_BYTES: Final = 64 * 1024

THUMBNAIL_WIDTHS: Final = (320, 800, 1600)
THUMBNAIL_TYPE: Final = "image/webp"
MAX_THUMBNAIL_BYTES: Final = 4 * MEGABYTE  # of ours, 320 pixels wide; the tallest takes a part of this

IMMUTABLE_CACHE: Final = "public, max-age=31536000, immutable"
PRIVATE_CACHE: Final = "private, no-store"

DECODE_MEMORY_BYTES: Final = 768 * MEGABYTE
# Seconds of the processor are the content's fault, seconds of the clock may be the machine's: see `decoding`.
DECODE_CPU_SECONDS: Final = 40
DECODE_SECONDS: Final = 60

SCAN_CONNECT_SECONDS: Final = 5
SCAN_SECONDS: Final = 30  # of each of the two commands; with the decoder's time under the job's limit
SCAN_PING_SECONDS: Final = 0.5  # a probe of readiness waits for it, and many give up after one
SCAN_ENGINE_CHARACTERS: Final = 50

# The jobs that work a file off; each carries the file's id in its key, by which a lost one is noticed.
PROCESS_JOB: Final = "uploads.process"
DELETE_JOB: Final = "uploads.delete"
ERASE_KEY: Final = "erase:"  # before the id, where the row goes too

EXPORT_PREFIX: Final = "exports"
QUARANTINE_PREFIX: Final = "quarantine/"
CLEAN_PREFIX: Final = "files/"

REASON_INFECTED: Final = "infected"

# Of each pass of a sweep; the next pass goes on where it stopped.
ROWS_A_PASS: Final = 200
OBJECTS_A_PASS: Final = 1000
QUARANTINE_HOURS: Final = 24
STRAY_GRACE_HOURS: Final = 1  # objects that are just being written have no row yet
STRAY_DAYS: Final = 7
MOST_MISSING: Final = 50  # more at once means a wrong bucket rather than lost files

FORBIDDEN_TYPES: Final = ("image/svg+xml", "text/html", "application/xhtml+xml", "text/xml", "application/xml")

EXTENSIONS: Final = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/webp": "webp",
    "application/pdf": "pdf",
}
ENDINGS: Final = {kind: (f".{extension}",) for kind, extension in EXTENSIONS.items()} | {
    "image/jpeg": (".jpg", ".jpeg")
}
IMAGE_TYPES: Final = ("image/jpeg", "image/png", "image/webp")
PDF_TYPES: Final = ("application/pdf",)


class Purpose(models.TextChoices):
    """What a file is for; it decides who may bring it, its types and the bucket that serves it."""

    IMAGE = "image", "Image"
    DOCUMENT = "document", "Document"
    PROJECT_IMAGE = "project_image", "Project image"
    BOOKING_ATTACHMENT = "booking_attachment", "Booking attachment"


class State(models.TextChoices):
    """Where a file stands between its signature and its end."""

    PENDING = "pending", "Waiting for the bytes"
    UPLOADED = "uploaded", "Uploaded"
    PROCESSING = "processing", "Being processed"
    READY = "ready", "Ready"
    EXPIRED = "expired", "Never arrived"
    REJECTED = "rejected", "Rejected"
    FAILED = "failed", "Failed"
    DELETING = "deleting", "Being deleted"
    DELETED = "deleted", "Deleted"
    MISSING = "missing", "Object missing"


class Bucket(models.TextChoices):
    """The two stores: one that only presigned URLs open, one that everybody reads."""

    PRIVATE = "private", "Private"
    PUBLIC = "public", "Public"


class OwnerKind(models.TextChoices):
    """Kinds of actor that can own a file."""

    STAFF = "staff", "Staff"
    CUSTOMER = "customer", "Customer"
    SYSTEM = "system", "System"
    OPERATOR = "operator", "Operator"


class ScanVerdict(models.TextChoices):
    """What the virus scanner said."""

    NOT_SCANNED = "not_scanned", "Not scanned"
    CLEAN = "clean", "Clean"
    INFECTED = "infected", "Infected"


class Found(models.TextChoices):
    """What a sweep can find."""

    OVERDUE = "overdue", "signed, never confirmed"
    STUCK = "stuck", "being processed by nobody"
    UNREMOVED = "unremoved", "deleted, objects still there"
    LEFTOVER = "leftover", "in quarantine, needed by no row"
    PARTIAL = "partial", "upload in parts that nobody ended"
    STRAY = "stray", "object that belongs to no row"
    MISSING = "missing", "ready, object gone"
    BACK = "back", "missing, object there again"


class Verdict(models.TextChoices):
    """What a reconciliation says first."""

    IN_SYNC = "in_sync", "In sync"
    REPAIRED = "repaired", "Repaired"
    DRIFT = "drift", "Drift"
    INCOMPLETE = "incomplete", "Incomplete"


@dataclass(frozen=True)
class PurposeRule:
    """What a purpose demands: `target_kind` empty means that the file stands alone."""

    types: tuple[str, ...]
    bucket: Bucket
    target_kind: str = ""
    customers: bool = False

    @property
    def max_bytes(self) -> int:
        """The largest file, in bytes."""
        limit: int = settings.UPLOAD_MAX_BYTES
        return limit


RULES: Final[dict[str, PurposeRule]] = {
    Purpose.IMAGE: PurposeRule(IMAGE_TYPES, Bucket.PUBLIC),
    Purpose.DOCUMENT: PurposeRule(PDF_TYPES, Bucket.PRIVATE),
    Purpose.PROJECT_IMAGE: PurposeRule(IMAGE_TYPES, Bucket.PUBLIC, target_kind="project"),
    Purpose.BOOKING_ATTACHMENT: PurposeRule(
        (*IMAGE_TYPES, *PDF_TYPES), Bucket.PRIVATE, target_kind="booking", customers=True
    ),
}

TARGET_FIELDS: Final = {"project": "project_id", "booking": "booking_id"}

TRANSITIONS: Final[dict[str, tuple[State, ...]]] = {
    State.PENDING: (State.UPLOADED, State.EXPIRED, State.REJECTED, State.DELETING),
    State.UPLOADED: (State.PROCESSING, State.REJECTED, State.FAILED, State.DELETING),
    State.PROCESSING: (State.READY, State.REJECTED, State.FAILED, State.DELETING),
    State.READY: (State.DELETING, State.MISSING),
    State.EXPIRED: (),
    State.REJECTED: (State.DELETING,),
    State.FAILED: (State.UPLOADED, State.DELETING),
    State.DELETING: (State.DELETED,),
    State.DELETED: (),
    State.MISSING: (State.READY, State.DELETING),  # a store that was restored, or a bucket's name put right
}

# States whose rows keep an object in quarantine, and states whose rows keep clean objects.
NEEDS_QUARANTINE: Final = (State.PENDING, State.UPLOADED, State.PROCESSING, State.FAILED)
NEEDS_CLEAN_OBJECTS: Final = (
    State.UPLOADED,
    State.PROCESSING,
    State.READY,
    State.FAILED,
    State.MISSING,
    State.DELETING,
)

# Why a file was refused or failed, for staff; the API shows the codes.
REASONS: Final[dict[str, str]] = {
    "size_mismatch": "Another size than announced",
    "type_mismatch": "Another type than announced",
    "checksum_mismatch": "Another checksum than announced",
    "object_changed": "The object was written again after it was confirmed",
    "object_missing": "The object was gone before it could be processed",
    "no_longer_allowed": "Whoever sent it may no longer attach it",
    "attempts_spent": "Every attempt to process it failed",
    "infected": "The virus scanner found something",
    "unreadable": "Damaged, or not what it says it is",
    "too_many_pixels": "More pixels than allowed",
    "animated": "More than one frame",
    "too_costly": "Takes more memory or time to decode than any honest picture",
}
