"""Versions of items, and every slug that was ever theirs."""

from django.db import models

from cms.constants import SLUG_MAX, RevisionKind
from common.ids import uuid7


class Revision(models.Model):
    """One saved version of an item as a whole; what it holds changes only while its author autosaves.

    `item_type` is the name of a registered content type and `item_id` the text of the row's key; there is no
    foreign key, since one table serves every type.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item_type = models.CharField(max_length=30)
    item_id = models.CharField(max_length=36)
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=10, choices=RevisionKind.choices)
    snapshot = models.JSONField()
    schema_version = models.PositiveSmallIntegerField(default=1)
    sha256 = models.CharField(max_length=64)
    base = models.ForeignKey("self", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    author_kind = models.CharField(max_length=10)
    author_id = models.CharField(max_length=64, blank=True)
    author_label = models.CharField(max_length=254, blank=True)
    comment = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True, blank=True)
    # Of an autosave: the item's `lock_version` before its author's first one, which their open form still names.
    since_version = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.UniqueConstraint(name="cms_revision_number_once", fields=["item_type", "item_id", "number"]),
        )

    def __str__(self) -> str:
        """Its number, as the history shows it."""
        return f"Version {self.number}"


class SlugClaim(models.Model):
    """A slug in use by an item that is not in the trash, as its live one, its draft's, or both.

    The unique constraint is what keeps live and draft slugs of one type apart from each other.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item_type = models.CharField(max_length=30)
    item_id = models.CharField(max_length=36)
    slug = models.CharField(max_length=SLUG_MAX)

    class Meta:
        constraints = (models.UniqueConstraint(name="cms_slug_claim_once", fields=["item_type", "slug"]),)
        indexes = (models.Index(name="cms_slug_claim_of_item", fields=["item_type", "item_id"]),)


class SlugHistory(models.Model):
    """A slug that was public, and whose it was last; pointing at the item, it needs no chains."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    item_type = models.CharField("type", max_length=30)
    item_id = models.CharField(max_length=36)
    slug = models.CharField(max_length=SLUG_MAX)
    public_since = models.DateTimeField()

    class Meta:
        verbose_name = "redirect"
        ordering = ("-public_since", "-id")
        constraints = (models.UniqueConstraint(name="cms_slug_history_once", fields=["item_type", "slug"]),)
        indexes = (models.Index(name="cms_slug_history_of_item", fields=["item_type", "item_id"]),)

    def __str__(self) -> str:
        """The slug."""
        return self.slug
