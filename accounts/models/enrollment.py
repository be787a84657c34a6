"""The right to enrol a first second factor without being signed in."""

from django.conf import settings
from django.db import models

from common.ids import uuid7


class EnrollmentToken(models.Model):
    """Given by a right password, or by accepting an invitation, to a user who has no factor yet."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    token_hash = models.BinaryField(max_length=32, unique=True)
    pepper_id = models.CharField(max_length=32)
    # Of the password's hash: with another password the right is worth nothing, and neither is it without one.
    password_fingerprint = models.BinaryField(max_length=32, null=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    consumed_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.user_id} {self.created_at:%Y-%m-%d %H:%M}"
