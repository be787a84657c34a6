"""A sign-in between the password and the second factor."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from common.ids import uuid7


class LoginChallenge(models.Model):
    """A right password that waits for a code. It ends by use, by time, by failures, or because the account changed."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="login_challenges")
    token_hash = models.BinaryField(max_length=32, unique=True)
    pepper_id = models.CharField(max_length=32)
    # Of the password's hash: with another password the challenge is worth nothing.
    password_fingerprint = models.BinaryField(max_length=32)
    failures = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(db_index=True)
    consumed_at = models.DateTimeField(null=True)
    superseded_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        indexes: ClassVar = [
            models.Index(
                fields=["user", "created_at"],
                condition=Q(consumed_at__isnull=True, superseded_at__isnull=True),
                name="login_challenge_open_idx",
            ),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(consumed_at__isnull=True) | Q(superseded_at__isnull=True), name="login_challenge_one_end"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.created_at:%Y-%m-%d %H:%M}"
