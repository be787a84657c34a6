"""Slugs that were public, for looking up."""

from django.contrib import admin

from cms.models import SlugHistory
from common.admin import ReadOnlyAdmin


@admin.register(SlugHistory)
class SlugHistoryAdmin(ReadOnlyAdmin):
    """Which addresses lead where is decided by who had the slug last."""

    list_display = ("slug", "item_type", "public_since")
    list_filter = ("item_type",)
    search_fields = ("slug",)
    list_per_page = 50
