"""Refunds as staff read them."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from common.actor import actor_of
from common.admin import ObjectAction, ObjectActionsMixin, ReadOnlyAdmin, YesFilter
from payments import selectors
from payments.actions import repayments
from payments.admin.forms import ReceiptForm
from payments.admin.shown import money
from payments.constants import RefundOrigin, RefundState
from payments.models import Refund

RECEIPT = ObjectAction(
    "receipt", "Record the receipt…", "payments.refund", "press_receipt", when="waits_for_receipt", reauth=True,
    form=ReceiptForm, explain="You have paid this back by hand. The number of its receipt settles it.",
)  # fmt: skip


class ByHandFilter(YesFilter):
    """Refunds that somebody has to make."""

    title = _("to be made by hand")
    parameter_name = "by_hand"

    def wanted(self, queryset: QuerySet[Refund]) -> QuerySet[Refund]:
        """Those that wait for a receipt."""
        return selectors.refunds_by_hand(queryset)


@admin.register(Refund)
class RefundAdmin(ObjectActionsMixin, ReadOnlyAdmin):
    """Lists and shows; one that was made by hand is settled by its receipt."""

    list_display = ("created_at", "reference", "amount_text", "state", "origin", "reason", "requested_by")
    list_filter = ("state", ByHandFilter, "origin", "created_at")
    list_select_related = ("payment__booking",)
    search_fields = ("payment__booking__reference", "=provider_ref")
    search_help_text = _("Booking reference or the provider's id")
    ordering = ("-created_at", "-id")
    show_full_result_count = False
    list_per_page = 50
    object_actions = (RECEIPT,)
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

    def waits_for_receipt(self, refund: Refund) -> bool:
        """Whether a person makes it and has not yet."""
        return refund.origin == RefundOrigin.MANUAL and refund.state == RefundState.REQUESTED

    def press_receipt(self, request: HttpRequest, obj: Any, values: dict[str, Any]) -> str:
        """Settle it."""
        refund = repayments.record_receipt(refund_id=obj.pk, receipt=values["receipt"], by=actor_of(request))
        return f"{money(refund.amount, refund.currency)}: {refund.get_state_display()}."
