"""What the site says about a picture; the bytes belong to uploads."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from common.ids import uuid7

ALT_MAX = 300


class MediaAsset(models.Model):
    """A ready file with the words and the focal point that every use of it shares."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    file = models.ForeignKey("uploads.File", on_delete=models.PROTECT, related_name="+")
    # Sizes and paths that uploads made of the file; copied once, since a ready file never changes.
    image = models.JSONField(default=dict, editable=False)
    alt = models.CharField(
        "alternative text",
        max_length=ALT_MAX,
        blank=True,
        help_text="What the picture shows, for people who do not see it. Needed to publish whatever uses it.",
    )
    decorative = models.BooleanField(default=False, help_text="It adds nothing to the text: readers skip it.")
    caption = models.CharField(max_length=300, blank=True)
    credit = models.CharField(max_length=200, blank=True)
    licence = models.CharField(max_length=200, blank=True)
    licence_until = models.DateField("licensed until", null=True, blank=True)
    focal_x = models.FloatField(
        default=0.5, help_text="What must stay in view, from the left edge (0) to the right (1)."
    )
    focal_y = models.FloatField(default=0.5, help_text="The same from the top (0) to the bottom (1).")
    folder = models.CharField(max_length=100, blank=True)
    created_by = models.ForeignKey(
        "accounts.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+", editable=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        verbose_name = "picture"
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(
                name="cms_media_focal_inside",
                condition=Q(focal_x__gte=0, focal_x__lte=1, focal_y__gte=0, focal_y__lte=1),
            ),
            models.CheckConstraint(
                name="cms_media_decorative_without_alt",
                condition=Q(decorative=False) | Q(alt=""),
                violation_error_message="A decorative picture has no alternative text.",
            ),
        )
        indexes = (models.Index(name="cms_media_newest", fields=["-created_at", "-id"]),)

    def __str__(self) -> str:
        """The alternative text, by which people choose it."""
        return self.alt or "Decorative picture"
