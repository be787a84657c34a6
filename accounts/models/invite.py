"""An invitation to join the staff."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q

from common.ids import uuid7


class Invite(models.Model):
    """A mailed link that lets one address become a user with the named roles."""

    class Status(models.TextChoices):
        """Where an invitation stands; PENDING past `expires_at` counts as EXPIRED."""

        PENDING = "pending", "Waiting"
        ACCEPTED = "accepted", "Accepted"
        REVOKED = "revoked", "Withdrawn"
        EXPIRED = "expired", "Expired"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField("e-mail", max_length=254)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    roles = ArrayField(models.CharField(max_length=32))
    status = models.CharField(max_length=16, choices=Status.choices, default=Status.PENDING)
    lifetime_hours = models.PositiveSmallIntegerField()
    token_hash = models.BinaryField(max_length=32, unique=True)
    pepper_id = models.CharField(max_length=32)
    # Empty when the operator invited from the shell.
    invited_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+")
    created_at = models.DateTimeField()
    sent_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True, blank=True)
    accepted_by = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        default_permissions = ("view",)
        verbose_name = "invitation"
        indexes: ClassVar = [models.Index(fields=["created_at", "id"], name="invite_created_idx")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["email"], condition=Q(status="pending"), name="invite_one_pending_an_email"
            ),
            models.CheckConstraint(
                condition=Q(status="accepted", accepted_at__isnull=False, accepted_by__isnull=False)
                | (~Q(status="accepted") & Q(accepted_at__isnull=True, accepted_by__isnull=True)),
                name="invite_accepted_with_time_and_user",
            ),
            models.CheckConstraint(
                condition=Q(status="revoked", revoked_at__isnull=False)
                | (~Q(status="revoked") & Q(revoked_at__isnull=True)),
                name="invite_revoked_with_time",
            ),
        ]

    def __str__(self) -> str:
        return self.email
