"""Services in the back office."""

from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import admin

from cms.admin.content import ORDER, SEARCH_ENGINES, ContentAdmin
from cms.admin.forms import DraftForm
from cms.models import Service
from common import money

MOST = 10**12


class ServiceForm(DraftForm):
    """A service's draft, with its price in whole units as people say it."""

    amount = forms.DecimalField(
        label="Amount", required=False, min_value=0, max_value=MOST, help_text="As people say it: 2500 or 2500.50."
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        stored = self.instance.price_amount
        if stored is not None:
            places = money.exponent(self.instance.price_currency)
            self.initial["amount"] = Decimal(stored).scaleb(-places)

    def clean(self) -> dict[str, Any]:
        """Turn the amount into the smallest unit of its currency, where it must be whole."""
        values: dict[str, Any] = super().clean() or self.cleaned_data
        amount, currency = values.get("amount"), values.get("price_currency") or ""
        minor = None
        if amount is not None and currency:
            minor = amount.scaleb(money.exponent(currency))
            if minor != minor.to_integral_value():
                self.add_error("amount", f"{currency} has no such small part.")
        self.instance.price_amount = None if amount is None else int(minor if minor is not None else amount)
        return values

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
        return "" if obj.price_amount is None else money.format_money(obj.price_amount, obj.price_currency)
