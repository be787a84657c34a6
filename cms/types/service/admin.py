"""Services in the back office."""

from typing import Any

from django.contrib import admin

from cms.admin.content import ORDER, SEARCH_ENGINES, ContentAdmin
from cms.admin.forms import DraftForm
from cms.models import Service
from common.admin import PricedForm
from common.money import format_money


class ServiceForm(PricedForm, DraftForm):
    """A service's draft."""

    CURRENCY = "price_currency"

    def draft_values(self) -> dict[str, Any]:
        """Add the amount as the column has it."""
        return {**super().draft_values(), "price_amount": self.instance.price_amount}


@admin.register(Service)
class ServiceAdmin(ContentAdmin):
    """What the studio sells."""

    form = ServiceForm
    list_display = ("name", "stands", "price_kind", "position", "edited_at")
    fieldsets = (
        ("Content", {"fields": ("title", "slug", "tagline", "summary", "body", "read_version")}),
        ("Media", {"fields": ("icon", "cover")}),
        (
            "Price and time",
            {
                "fields": (
                    "price_kind",
                    ("amount", "price_currency"),
                    ("delivery_weeks_min", "delivery_weeks_max"),
                ),
            },
        ),
        ("What is in it", {"fields": ("features", "faq", "technologies")}),
        ("Button", {"fields": ("call_to_action_label", "call_to_action_url")}),
        ORDER,
        SEARCH_ENGINES,
    )

    @admin.display(description="Amount")
    def amount(self, obj: Service) -> str:
        """The price in words, for those who may only look."""
        return "" if obj.price_amount is None else format_money(obj.price_amount, obj.price_currency)
