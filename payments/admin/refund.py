"""Refunds as staff read them."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from common.admin import ReadOnlyAdmin
from payments.admin.shown import money
from payments.models import Refund


@admin.register(Refund)
class RefundAdmin(ReadOnlyAdmin):
    """Lists and shows."""

    list_display = ("created_at", "reference", "amount_text", "state", "origin", "reason", "requested_by")
    list_filter = ("state", "origin", "created_at")
    list_select_related = ("payment__booking",)
    search_fields = ("payment__booking__reference", "=provider_ref")
    search_help_text = _("Booking reference or the provider's id")
    ordering = ("-created_at", "-id")
    show_full_result_count = False
    list_per_page = 50
    fields = (
        "payment", "reference", "amount_text", "state", "failure_reason", "origin", "reason", "note", "requested_by",
        "provider_ref", "created_at", "updated_at",
    )  # fmt: skip

    @admin.display(description=_("booking"))
    def reference(self, refund: Refund) -> str:
        """The booking's reference."""
        return refund.payment.booking.reference

    @admin.display(description=_("amount"), ordering="amount")
    def amount_text(self, refund: Refund) -> str:
        """What goes back."""
        return money(refund.amount, refund.currency)
