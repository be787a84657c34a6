"""The outbox: every message that the studio sends, and what became of it."""

from django.db import models
from django.db.models import Q

from common.ids import uuid7


class State(models.TextChoices):
    QUEUED = "queued", "Queued"
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"
    UNKNOWN = "unknown", "Unknown"
    DELIVERED = "delivered", "Delivered"
    BOUNCED = "bounced", "Bounced"
    COMPLAINED = "complained", "Complaint"
    HELD = "held", "Held back"
    DROPPED = "dropped", "Dropped"


OUT = (State.SENT, State.DELIVERED, State.BOUNCED, State.COMPLAINED)


class Message(models.Model):
    """One mail to one address. `key` says what it is about: asked for twice it is still one row.

    `secrets` holds the secret part of the template's context, encrypted, and is empty once the mail is sent or dropped.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    key = models.CharField(max_length=300, unique=True)
    template = models.CharField(max_length=100)
    to = models.EmailField(max_length=254)
    subject = models.CharField(max_length=300, blank=True)
    context = models.JSONField(default=dict)
    secret_names = models.JSONField(default=list)
    secrets = models.BinaryField(null=True)
    state = models.CharField(max_length=10, choices=State, default=State.QUEUED)
    error = models.TextField(blank=True)
    provider_id = models.CharField(max_length=255, blank=True, db_index=True)
    file_name = models.CharField(max_length=100, blank=True)
    resend_of = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="resends")
    request_id = models.CharField(max_length=100, blank=True)
    actor_kind = models.CharField(max_length=20)
    actor_id = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(db_index=True)
    sent_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ("view",)
        permissions = [
            ("resend_message", "Can send a message again"),
            ("release_message", "Can let a held message go, or drop a waiting one"),
        ]
        indexes = [
            models.Index(fields=["state", "-created_at"], name="mail_message_state"),
            models.Index(fields=["to", "-created_at"], name="mail_message_to"),
        ]
        constraints = [
            models.CheckConstraint(name="mail_message_known_state", condition=Q(state__in=State.values)),
            models.CheckConstraint(
                name="mail_message_sent_forgets_secrets",
                condition=Q(secrets__isnull=True) | ~Q(state__in=[*OUT, State.DROPPED]),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.subject or self.template} to {self.to}"


class Attachment(models.Model):
    """One file that goes with a message."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="attachments")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=200)
    content_type = models.CharField(max_length=100)
    content = models.BinaryField()

    class Meta:
        default_permissions = ()
        ordering = ["position"]
        constraints = [models.UniqueConstraint(fields=["message", "position"], name="mail_attachment_position")]

    def __str__(self) -> str:
        return self.name


class TrackingEvent(models.Model):
    """What the provider told us of a message. `fingerprint` makes the same report, told twice, one row."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="events")
    fingerprint = models.CharField(max_length=64)
    kind = models.CharField(max_length=20)
    provider = models.CharField(max_length=30)
    hard = models.BooleanField(default=False)
    reason = models.CharField(max_length=50, blank=True)
    detail = models.TextField(blank=True)
    happened_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()

    class Meta:
        default_permissions = ()
        ordering = ["received_at", "id"]
        constraints = [models.UniqueConstraint(fields=["message", "fingerprint"], name="mail_event_told_once")]

    def __str__(self) -> str:
        return f"{self.kind} by {self.provider}"


class MarkedAddress(models.Model):
    """An address that refused a mail for good, or whose reader complained; its page and list say so to staff."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    address = models.CharField(max_length=320, unique=True)
    bounced_at = models.DateTimeField(null=True)
    complained_at = models.DateTimeField(null=True)
    detail = models.TextField(blank=True)
    message = models.ForeignKey(Message, null=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        verbose_name = "address that bounced"
        verbose_name_plural = "addresses that bounced"
        default_permissions = ("view",)
        permissions = [("clear_markedaddress", "Can say that an address works again")]
        constraints = [
            models.CheckConstraint(
                name="mail_marked_address_says_why",
                condition=Q(bounced_at__isnull=False) | Q(complained_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.address
