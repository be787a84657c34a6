"""The one counter on which every public cache and ETag hangs."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class ContentVersion(models.Model):
    """One row; its number rises in every transaction that changes public bytes."""

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    number = models.PositiveBigIntegerField(default=1)
    changed_at = models.DateTimeField(db_default=Now())
    changed_by = models.CharField(max_length=254, blank=True)
    # How many rows of a type are public, by its name; absent until it is counted. Saves each page a count of them all.
    totals = models.JSONField(default=dict, db_default={})
    # Rows of `Change` up to this version are gone: whoever asks from before it would miss some.
    changes_after = models.PositiveBigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = (models.CheckConstraint(name="cms_content_version_one_row", condition=Q(id=1)),)
