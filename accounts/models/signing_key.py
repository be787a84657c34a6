"""Keys that sign access tokens."""

from typing import ClassVar

from django.db import models
from django.db.models import F, Q

from common.ids import uuid7


class SigningKey(models.Model):
    """An RSA key. Its state follows from its times, so no job has to move it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    kid = models.CharField(max_length=64, unique=True)
    public_jwk = models.JSONField()
    # Sealed under FIELD_KEY. Null: the private half is elsewhere (an override), or was erased after retirement.
    private_ciphertext = models.BinaryField(null=True)
    published_at = models.DateTimeField()
    activates_at = models.DateTimeField()
    retires_at = models.DateTimeField(null=True)
    gone_at = models.DateTimeField(null=True)

    class Meta:
        default_permissions = ()
        ordering = ("-activates_at",)
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=Q(published_at__lte=F("activates_at")), name="signing_key_published_first"
            ),
            models.CheckConstraint(
                condition=Q(gone_at__isnull=True) | Q(retires_at__isnull=False, gone_at__gte=F("retires_at")),
                name="signing_key_retires_before_gone",
            ),
        ]

    def __str__(self) -> str:
        return self.kid
