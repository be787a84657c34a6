"""A sign-in, and the chain of refresh tokens of one through the API."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from common.ids import uuid7


class Session(models.Model):
    """One sign-in. All refresh tokens of its family die with it, and so do its access tokens; the admin's has none."""

    class Transport(models.TextChoices):
        """How the refresh token travels; fixed when the session opens."""

        BODY = "body", "Request body"
        COOKIE = "cookie", "Cookie"
        ADMIN = "admin", "No token: a browser in the admin"

    class RevokeReason(models.TextChoices):
        """Why a session ended before its time."""

        LOGOUT = "logout", "Signed out"
        LOGOUT_ALL = "logout_all", "Signed out everywhere"
        REVOKED = "revoked", "Ended by its owner"
        REVOKED_BY_ADMIN = "revoked_by_admin", "Ended by a colleague"
        REUSE = "reuse", "A used refresh token came back"
        PASSWORD = "password", "Password changed"
        SECOND_FACTOR = "second_factor", "Second factor changed"
        EMAIL = "email", "E-mail address changed"
        USER_DISABLED = "user_disabled", "Account closed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="sessions")
    generation = models.PositiveIntegerField(default=0)
    transport = models.CharField(max_length=8, choices=Transport.choices)
    amr = ArrayField(models.CharField(max_length=16), verbose_name="signed in with")
    auth_time = models.DateTimeField()
    reauth_at = models.DateTimeField()
    reauth_amr = ArrayField(models.CharField(max_length=16))
    created_at = models.DateTimeField()
    last_used_at = models.DateTimeField()
    idle_expires_at = models.DateTimeField()
    absolute_expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    revoke_reason = models.CharField(max_length=20, choices=RevokeReason.choices, blank=True)
    ip = models.GenericIPAddressField("address", null=True)
    # /24 or IPv6 /48 of `ip`: tells a network that this account is known to use.
    network = models.CharField(max_length=49, blank=True)
    user_agent = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        default_permissions = ("view",)
        indexes: ClassVar = [
            models.Index(fields=["user", "created_at", "id"], name="session_user_created_idx"),
            models.Index(fields=["user", "network", "last_used_at"], name="session_user_network_idx"),
            models.Index(fields=["absolute_expires_at"], name="session_absolute_expiry_idx"),
        ]
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(revoked_at__isnull=True, revoke_reason="")
                | (Q(revoked_at__isnull=False) & ~Q(revoke_reason="")),
                name="session_revoked_with_reason",
            ),
            models.CheckConstraint(
                condition=Q(idle_expires_at__lte=F("absolute_expires_at")), name="session_idle_within_absolute"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {self.created_at:%Y-%m-%d %H:%M}"


class RefreshToken(models.Model):
    """One link of a session's chain; only the newest, unrotated one opens anything."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    session = models.ForeignKey(Session, models.CASCADE, related_name="refresh_tokens")
    generation = models.PositiveIntegerField()
    token_hash = models.BinaryField(max_length=32, unique=True)
    pepper_id = models.CharField(max_length=32)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    rotated_at = models.DateTimeField(null=True)
    # Set when rotated: with the raw token it derives the same successor again.
    nonce = models.BinaryField(max_length=16, null=True)
    retries = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["session", "generation"], name="refresh_token_one_a_generation"),
            models.CheckConstraint(
                condition=Q(rotated_at__isnull=True, nonce__isnull=True)
                | Q(rotated_at__isnull=False, nonce__isnull=False),
                name="refresh_token_rotated_with_nonce",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.session_id} #{self.generation}"
