"""The second factor: an authenticator app, and the backup codes that stand in for it."""

from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q
from django_otp.models import Device

from accounts import ports
from accounts.constants import METHOD_BACKUP_CODE, METHOD_TOTP
from common.ids import uuid7


class SecondFactorManager(models.Manager["SecondFactor"]):
    """What django-otp asks a device's manager for."""

    def devices_for_user(self, user: Any, confirmed: bool | None = None) -> models.QuerySet["SecondFactor"]:  # noqa: FBT001 - django-otp's signature
        """The user's factors, of both kinds unless told which."""
        rows = self.filter(user=user)
        return rows if confirmed is None else rows.filter(confirmed=confirmed)


class SecondFactor(Device):  # type: ignore[misc]  # django-otp has no stubs
    """A TOTP secret (RFC 6238), pending until a first code has proven that the app holds it.

    `last_step` is the newest time step whose code was used: no code of that step or an earlier one counts again.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    name = models.CharField(max_length=64, default="Authenticator app")
    confirmed = models.BooleanField(default=False)
    # Sealed under FIELD_KEY, bound to this row.
    secret_ciphertext = models.BinaryField()
    last_step = models.BigIntegerField(default=0)
    # Wrong codes while pending.
    failures = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField(null=True)
    confirmed_at = models.DateTimeField(null=True)
    # The batch of backup codes that counts; 0 before the first.
    batch = models.PositiveIntegerField(default=0)
    backup_codes_created_at = models.DateTimeField(null=True)

    objects: ClassVar[SecondFactorManager] = SecondFactorManager()

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["user"], condition=Q(confirmed=True), name="second_factor_one_confirmed_a_user"
            ),
            models.UniqueConstraint(
                fields=["user"], condition=Q(confirmed=False), name="second_factor_one_pending_a_user"
            ),
            models.CheckConstraint(
                condition=Q(confirmed=True, confirmed_at__isnull=False, expires_at__isnull=True)
                | Q(confirmed=False, confirmed_at__isnull=True, expires_at__isnull=False),
                name="second_factor_pending_or_confirmed",
            ),
            models.CheckConstraint(
                condition=Q(batch=0, backup_codes_created_at__isnull=True)
                | Q(batch__gt=0, backup_codes_created_at__isnull=False),
                name="second_factor_batch_with_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} {'confirmed' if self.confirmed else 'pending'}"

    @property
    def secret_aad(self) -> str:
        """What the sealed secret is bound to: this model, field and row."""
        return f"accounts.SecondFactor.secret_ciphertext:{self.pk}"

    @property
    def persistent_id(self) -> str:
        """The name that a browser session keeps. django-otp reads the part after the slash as an integer."""
        return f"{self.model_label()}/{self.id.int}"

    def verify_token(self, token: Any) -> bool:
        """Whether this TOTP code is right, counted and consumed as at every other door."""
        return ports.verify(METHOD_TOTP, device=self, code=str(token))


class BackupCodeDevice(SecondFactor):
    """The same factor, proven by one of its backup codes."""

    class Meta:
        proxy = True
        default_permissions = ()

    def verify_token(self, token: Any) -> bool:
        """Whether this backup code is right and unused; it is used up then."""
        return ports.verify(METHOD_BACKUP_CODE, device=self, code=str(token))


class BackupCode(models.Model):
    """One code of a batch. The selector, its first character, finds the row; the hash covers the whole code."""

    id = models.BigAutoField(primary_key=True)
    factor = models.ForeignKey(SecondFactor, models.CASCADE, related_name="backup_codes")
    batch = models.PositiveIntegerField()
    selector = models.CharField(max_length=1)
    # Argon2id over an HMAC of the code under a pepper.
    code_hash = models.CharField(max_length=160)
    pepper_id = models.CharField(max_length=32)
    used_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["factor", "batch", "selector"], name="backup_code_one_selector_a_batch"),
        ]

    def __str__(self) -> str:
        return f"{self.factor_id} #{self.batch}"
