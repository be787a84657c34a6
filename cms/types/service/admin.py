"""Services in the back office."""

from typing import Any

from django.contrib import admin
from django.forms import CheckboxSelectMultiple
from django.http import HttpRequest

from cms.admin.content import ORDER, SEARCH_ENGINES, ContentAdmin
from cms.admin.forms import DraftForm
from cms.models import Service


@admin.register(Service)
class ServiceAdmin(ContentAdmin):
    """What the studio sells."""

    form = DraftForm
    list_display = ("name", "stands", "price_kind", "position", "edited_at")
    fieldsets = (
        ("Content", {"fields": ("title", "slug", "tagline", "summary", "body", "read_version")}),
        ("Media", {"fields": ("icon", "cover")}),
        (
            "Price and time",
            {
                "fields": (
                    "price_kind",
                    ("price_amount", "price_currency"),
                    ("delivery_weeks_min", "delivery_weeks_max"),
                ),
            },
        ),
        ("What is in it", {"fields": ("features", "faq", "technologies")}),
        ("Button", {"fields": ("call_to_action_label", "call_to_action_url")}),
        ORDER,
        SEARCH_ENGINES,
    )

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Show terms as boxes to tick."""
        return super().formfield_for_manytomany(db_field, request, **{"widget": CheckboxSelectMultiple, **kwargs})
