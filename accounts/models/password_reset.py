"""A mailed link that sets a new password."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from common.ids import uuid7


class PasswordReset(models.Model):
    """One link. It ends by use, by time, or because the password changed another way."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="password_resets")
    token_hash = models.BinaryField(max_length=32, unique=True)
    pepper_id = models.CharField(max_length=32)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(used_at__isnull=True) | Q(superseded_at__isnull=True), name="password_reset_one_end"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.created_at:%Y-%m-%d %H:%M}"
