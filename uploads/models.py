"""The row of a file: what was claimed, what was seen, and what is served."""

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.db.models.functions import Collate

from common.ids import uuid7
from uploads.constants import Bucket, OwnerKind, Purpose, ScanVerdict, State

_TARGET_RULE = (
    Q(purpose__in=[Purpose.IMAGE, Purpose.DOCUMENT], target_kind="", target_id__isnull=True)
    | Q(purpose=Purpose.PROJECT_IMAGE, target_kind="project", target_id__isnull=False)
    | Q(purpose=Purpose.BOOKING_ATTACHMENT, target_kind="booking", target_id__isnull=False)
)


class File(models.Model):
    """One file, owned by the actor who had it signed and attached to at most one target.

    Columns `declared_*` repeat what the client said and are never shown as true; `observed_*` describe the
    bytes that arrived; `clean_*`, `width`, `height` and `thumbnails` describe the objects that we wrote and serve.
    `deleted_at` is when the file was withdrawn from every reader, `remove_after` when its objects may go too.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    owner_kind = models.CharField(max_length=10, choices=OwnerKind.choices)
    owner_id = models.CharField(max_length=64, blank=True)
    purpose = models.CharField(max_length=20, choices=Purpose.choices)
    target_kind = models.CharField(max_length=20, blank=True, default="")
    target_id = models.UUIDField(null=True, blank=True)

    name = models.CharField(max_length=180)
    declared_type = models.CharField(max_length=100)
    declared_size = models.PositiveBigIntegerField(validators=[MinValueValidator(1)])
    declared_sha256 = models.CharField(max_length=64)

    observed_type = models.CharField(max_length=100, blank=True, default="")
    observed_size = models.PositiveBigIntegerField(null=True, blank=True)
    observed_sha256 = models.CharField(max_length=64, blank=True, default="")
    etag = models.CharField(max_length=200, blank=True, default="")

    quarantine_key = models.CharField(max_length=200, blank=True, default="")
    clean_key = models.CharField(max_length=200, blank=True, default="")
    clean_size = models.PositiveBigIntegerField(null=True, blank=True)
    width = models.PositiveIntegerField(null=True, blank=True)
    height = models.PositiveIntegerField(null=True, blank=True)
    thumbnails = models.JSONField(default=list, blank=True)
    color = models.CharField("dominant colour", max_length=7, blank=True, default="")
    blur_data_url = models.CharField(max_length=1000, blank=True, default="")

    state = models.CharField(max_length=12, choices=State.choices, default=State.PENDING)
    version = models.PositiveIntegerField(default=1)
    reason = models.CharField(max_length=100, blank=True, default="")
    scan_engine = models.CharField(max_length=50, blank=True, default="")
    scan_verdict = models.CharField(
        max_length=12, choices=ScanVerdict.choices, default=ScanVerdict.NOT_SCANNED, verbose_name="virus scan"
    )
    scanned_at = models.DateTimeField(null=True, blank=True)

    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)
    remove_after = models.DateTimeField("objects kept until", null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(name="file_purpose_known", condition=Q(purpose__in=Purpose.values)),
            models.CheckConstraint(name="file_state_known", condition=Q(state__in=State.values)),
            models.CheckConstraint(name="file_owner_kind_known", condition=Q(owner_kind__in=OwnerKind.values)),
            models.CheckConstraint(
                name="file_owner_named",
                condition=~Q(owner_kind__in=[OwnerKind.STAFF, OwnerKind.CUSTOMER]) | ~Q(owner_id=""),
            ),
            models.CheckConstraint(name="file_target_as_purpose_demands", condition=_TARGET_RULE),
            models.CheckConstraint(name="file_declared_size_positive", condition=Q(declared_size__gte=1)),
            models.CheckConstraint(
                name="file_seen_sizes_positive",
                condition=(Q(observed_size__isnull=True) | Q(observed_size__gte=1))
                & (Q(clean_size__isnull=True) | Q(clean_size__gte=1)),
            ),
            models.CheckConstraint(
                name="file_quarantine_named",
                condition=~Q(state__in=[State.PENDING, State.UPLOADED, State.PROCESSING]) | ~Q(quarantine_key=""),
            ),
            models.CheckConstraint(name="file_scan_verdict_known", condition=Q(scan_verdict__in=ScanVerdict.values)),
            models.CheckConstraint(
                name="file_scan_is_complete",
                condition=Q(scan_verdict=ScanVerdict.NOT_SCANNED) | (~Q(scan_engine="") & Q(scanned_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="file_kept_only_when_deleted",
                condition=Q(remove_after__isnull=True)
                | Q(deleted_at__isnull=False, remove_after__gte=models.F("deleted_at")),
            ),
            models.CheckConstraint(name="file_sha256_hex", condition=Q(declared_sha256__regex=r"^[0-9a-f]{64}$")),
            models.CheckConstraint(
                name="file_confirmed_has_instant",
                condition=~Q(state__in=[State.UPLOADED, State.PROCESSING, State.READY]) | Q(confirmed_at__isnull=False),
            ),
            models.CheckConstraint(
                name="file_ready_is_complete",
                condition=~Q(state=State.READY)
                | (~Q(clean_key="") & ~Q(observed_type="") & ~Q(observed_sha256="") & Q(observed_size__isnull=False)),
            ),
            models.CheckConstraint(
                name="file_refusal_has_reason",
                condition=~Q(state__in=[State.REJECTED, State.FAILED]) | ~Q(reason=""),
            ),
            models.CheckConstraint(
                name="file_deleted_has_instant",
                condition=~Q(state=State.DELETED) | Q(deleted_at__isnull=False),
            ),
            models.CheckConstraint(
                name="file_width_with_height",
                condition=Q(width__isnull=True, height__isnull=True)
                | Q(width__isnull=False, height__isnull=False, width__gte=1, height__gte=1),
            ),
            models.UniqueConstraint(
                name="file_quarantine_key_once", fields=["quarantine_key"], condition=~Q(quarantine_key="")
            ),
            models.UniqueConstraint(name="file_clean_key_once", fields=["clean_key"], condition=~Q(clean_key="")),
        )
        indexes = (
            models.Index(name="file_by_owner", fields=["owner_kind", "owner_id", "state"]),
            models.Index(name="file_by_target", fields=["target_kind", "target_id"], condition=~Q(target_kind="")),
            models.Index(name="file_pending", fields=["expires_at"], condition=Q(state=State.PENDING)),
            models.Index(name="file_by_sha256", fields=["observed_sha256"], condition=~Q(observed_sha256="")),
            models.Index(name="file_newest", fields=["-created_at", "-id"]),
            models.Index(Collate("clean_key", "C"), name="file_clean_key_order", condition=Q(state=State.READY)),
        )

    def __str__(self) -> str:
        """The cleaned name, for the admin and for audit labels."""
        return self.name


class StrayObject(models.Model):
    """A clean object that belongs to no row: reported from `seen_at` on, deleted when nobody has claimed it in time."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    bucket = models.CharField(max_length=10, choices=Bucket.choices)
    key = models.CharField(max_length=1024)
    seen_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(name="stray_object_once", fields=["bucket", "key"]),
            models.CheckConstraint(name="stray_object_bucket_known", condition=Q(bucket__in=Bucket.values)),
        )

    def __str__(self) -> str:
        """Where it lies."""
        return f"{self.bucket}/{self.key}"
