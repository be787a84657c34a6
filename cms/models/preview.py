"""Links under which people without an account see a draft."""

from django.db import models
from django.db.models import F, Q

from common.ids import uuid7


class PreviewToken(models.Model):
    """A link to one version of an item, for whoever has it, until it expires or is revoked.

    Only the token's HMAC is kept. Where its version is kept no longer (an autosave that its author's next one
    replaced), the link shows the newest draft.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item_type = models.CharField(max_length=30)
    item_id = models.CharField(max_length=36)
    revision = models.ForeignKey("cms.Revision", null=True, on_delete=models.SET_NULL, related_name="+")
    token_hash = models.BinaryField(max_length=32, unique=True)
    pepper_id = models.CharField(max_length=32)
    author_label = models.CharField(max_length=254, blank=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    opened = models.PositiveIntegerField(default=0)
    last_opened_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        verbose_name = "preview link"
        ordering = ("-created_at", "-id")
        default_permissions = ("add", "delete", "view")
        indexes = (
            models.Index(name="cms_preview_of_item", fields=["item_type", "item_id", "-created_at", "-id"]),
            models.Index(name="cms_preview_expires", fields=["expires_at"]),
        )
        constraints = (
            models.CheckConstraint(name="cms_preview_lasts", condition=Q(expires_at__gt=F("created_at"))),
            models.CheckConstraint(
                name="cms_preview_opened_when",
                condition=Q(opened=0, last_opened_at__isnull=True) | Q(opened__gt=0, last_opened_at__isnull=False),
            ),
        )

    def __str__(self) -> str:
        """When it was made; the token itself is known to nobody here."""
        return f"Preview link of {self.created_at:%d %b %Y %H:%M}"
