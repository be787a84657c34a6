"""Keys that sign the seals."""

from django.db import models
from django.db.models.functions import Now

from audit.constants import KEY_ID_LENGTH


class AuditSigningKey(models.Model):
    """The public half of every Ed25519 key that ever signed here, so that old seals stay verifiable.

    `private_ciphertext` is there only for a key that this back end made for itself.
    """

    key_id = models.CharField(primary_key=True, max_length=KEY_ID_LENGTH)
    public_key = models.BinaryField(max_length=32)
    private_ciphertext = models.BinaryField(null=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        db_table = "audit_signing_key"
        verbose_name = "audit signing key"
        default_permissions = ()

    def __str__(self) -> str:
        return self.key_id
