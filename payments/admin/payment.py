"""Payments as staff read them: the money, the timeline, and what can be asked of the provider."""

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet, prefetch_related_objects
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from common.actor import actor_of
from common.admin import ObjectAction, ObjectActionsMixin, YesFilter
from common.admin.shown import NOTHING
from payments import selectors
from payments.actions import looks, reconciling, repayments, reviews
from payments.admin import timeline
from payments.admin.by_hand import ByHandAdmin
from payments.admin.forms import RefundForm
from payments.admin.shown import money, provider_link
from payments.constants import DisputeState, PaymentState, Provider, Status
from payments.models import Payment

RECONCILE_HOURS = 24
TIMELINE = ("calls_table", "events_table", "refunds_table", "disputes_table", "ledger_table", "audit_table")
SYNC = ObjectAction(
    "sync", "Sync from provider", "payments.sync", "press_sync", when="may_sync",
    explain="Asks the provider how this payment stands and brings our row up to date.",
)  # fmt: skip
RECONCILE = ObjectAction(
    "reconcile", "Reconcile now", "payments.reconcile", "press_reconcile",
    explain="Compares all payments of the last 24 hours with the provider; the result appears under Reconciliations.",
)  # fmt: skip
REFUND = ObjectAction(
    "refund", "Refund…", "payments.refund", "press_refund", when="may_refund", danger=True, reauth=True,
    form=RefundForm, explain="Pays money back to the customer. What has gone out cannot be called back.",
)  # fmt: skip
SETTLE = ObjectAction(
    "settle", "Mark as looked at", "payments.change_payment", "press_settle", when="waits_for_review",
    explain="You have decided what happens with this money; it no longer waits for anybody.",
)  # fmt: skip


class ReviewFilter(YesFilter):
    """Payments that a person must look at."""

    title = _("waiting for somebody")
    parameter_name = "review"

    def wanted(self, queryset: QuerySet[Payment]) -> QuerySet[Payment]:
        """Those that wait."""
        return queryset.filter(review_reason__isnull=False)


class ReconcileButton:
    """The action *Reconcile now*, for several pages."""

    def press_reconcile(self, request: HttpRequest, obj: Any) -> str:
        """Queue a run."""
        reconciling.ask(window_hours=RECONCILE_HOURS, by=actor_of(request))
        return str(_("The reconciliation is in the queue; its result appears under Reconciliations in a moment."))


@admin.register(Payment)
class PaymentAdmin(ReconcileButton, ObjectActionsMixin, ByHandAdmin):
    """Reads; what staff may do with a payment are the buttons on its page. One is added only for money by hand."""

    list_display = ("created_at", "state", "amount_text", "customer", "booking_link", "review", "provider", "mode")
    list_display_links = ("created_at",)
    list_filter = (
        "status", ReviewFilter, "review_reason", "dispute_state", "provider", "livemode", "created_at",
    )  # fmt: skip
    search_fields = ("booking__reference", "booking__customer_name", "booking__customer_email", "provider_ref")
    search_help_text = _("Booking reference, name, e-mail or the provider's id")
    ordering = ("-created_at", "-id")
    show_full_result_count = False
    list_per_page = 50
    object_actions = (SYNC, REFUND, SETTLE, RECONCILE)
    fieldsets = (
        (None, {"fields": ("booking_link", "customer", "purpose", "amount_text", "state", "review")}),
        (_("Money"), {"fields": ("received", "refunded", "refund_pending", "disputed", "dispute_state")}),
        (_("Provider"), {"fields": ("provider", "mode", "provider_link", "provider_status", "error", "synced")}),
        (_("Timeline"), {"fields": TIMELINE}),
        (_("Course"), {"fields": ("attempt", "is_current", "created_at", "updated_at", "expires_at", "id")}),
    )
    readonly_fields = ("created_at", "updated_at", "id")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Payment]:
        """With the booking, which every row and page names."""
        return super().get_queryset(request).select_related("booking")

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Payment | None:
        """With what several tables of its page read."""
        payment: Payment | None = super().get_object(request, object_id, from_field)
        if payment is not None:
            prefetch_related_objects([payment], "refunds", "disputes")
        return payment

    @admin.display(description=_("booking"), ordering="booking__reference")
    def booking_link(self, payment: Payment) -> SafeString:
        """The booking's reference with a link."""
        url = reverse("admin:bookings_booking_change", args=[payment.booking_id])
        return format_html('<a href="{}">{}</a>', url, payment.booking.reference)

    @admin.display(description=_("customer"))
    def customer(self, payment: Payment) -> str:
        """Who pays."""
        return payment.booking.customer_name

    @admin.display(description=_("amount"), ordering="amount")
    def amount_text(self, payment: Payment) -> str:
        """What was asked for."""
        return money(payment.amount, payment.currency)

    @admin.display(description=_("state"), ordering="status")
    def state(self, payment: Payment) -> str:
        """The provider's state in words; with money in, what became of it."""
        reads = selectors.payment_state(payment)
        later = reads not in {PaymentState.UNPAID, PaymentState.PENDING, PaymentState.PAID, PaymentState.NEEDS_REVIEW}
        return str(PaymentState(reads).label) if later else payment.get_status_display()

    @admin.display(description=_("to be looked at"))
    def review(self, payment: Payment) -> str:
        """Why staff must look."""
        return payment.get_review_reason_display() if payment.review_reason else NOTHING

    @admin.display(description=_("mode"), ordering="livemode")
    def mode(self, payment: Payment) -> str:
        """Live or test."""
        return str(_("Live")) if payment.livemode else str(_("Test: no real money"))

    @admin.display(description=_("received"))
    def received(self, payment: Payment) -> str:
        """What arrived."""
        return money(payment.amount_captured, selectors.received_currency(payment))

    @admin.display(description=_("refunded"))
    def refunded(self, payment: Payment) -> str:
        """What went back."""
        return money(payment.amount_refunded, selectors.received_currency(payment))

    @admin.display(description=_("being refunded"))
    def refund_pending(self, payment: Payment) -> str:
        """What is on its way back."""
        return money(payment.amount_refund_pending, selectors.received_currency(payment))

    @admin.display(description=_("disputed"))
    def disputed(self, payment: Payment) -> str:
        """What is disputed."""
        return money(payment.amount_disputed, selectors.received_currency(payment))

    @admin.display(description=_("provider's id"))
    def provider_link(self, payment: Payment) -> SafeString | str:
        """The provider's id with a link to its dashboard, or what proves money that came by hand."""
        if payment.provider == Provider.OFFLINE:
            return f"{payment.get_method_display()}: {payment.reference}"
        return provider_link(payment.provider_ref or "", "payments", livemode=payment.livemode)

    @admin.display(description=_("last error"))
    def error(self, payment: Payment) -> str:
        """Why the last try failed."""
        return f"{payment.last_error_code}: {payment.last_error_message}" if payment.last_error_code else NOTHING

    @admin.display(description=_("last looked at"))
    def synced(self, payment: Payment) -> str:
        """When the provider was last asked."""
        return timeline.moment(payment.provider_synced_at) if payment.provider_synced_at else NOTHING

    @admin.display(description=_("calls to the provider"))
    def calls_table(self, payment: Payment) -> SafeString | str:
        """What we asked."""
        return timeline.calls(payment)

    @admin.display(description=_("events of the provider"))
    def events_table(self, payment: Payment) -> SafeString | str:
        """What the provider told us."""
        return timeline.events(payment)

    @admin.display(description=_("refunds"))
    def refunds_table(self, payment: Payment) -> SafeString | str:
        """Its refunds."""
        return timeline.refunds(payment)

    @admin.display(description=_("disputes"))
    def disputes_table(self, payment: Payment) -> SafeString | str:
        """Its disputes."""
        return timeline.disputes(payment)

    @admin.display(description=_("ledger"))
    def ledger_table(self, payment: Payment) -> SafeString | str:
        """What was posted for it."""
        return timeline.ledger(payment)

    @admin.display(description=_("audit"))
    def audit_table(self, payment: Payment) -> SafeString | str:
        """Who did what with it."""
        return timeline.audit(payment)

    def may_sync(self, payment: Payment) -> bool:
        """Whether there is something to ask."""
        return payment.provider_ref is not None and bool(selectors.providers())

    def waits_for_review(self, payment: Payment) -> bool:
        """Whether somebody must decide."""
        return payment.review_reason is not None

    def press_sync(self, request: HttpRequest, obj: Any) -> str:
        """Ask the provider."""
        payment = looks.sync_now(payment_id=obj.pk, by=actor_of(request))
        return f"{_('This is how it stands at the provider')}: {payment.get_status_display()}."

    def may_refund(self, payment: Payment) -> bool:
        """Whether some of it can be paid back."""
        fought = payment.dispute_state == DisputeState.OPEN
        return payment.status == Status.SUCCEEDED and not fought and selectors.refundable(payment) > 0

    def action_form(self, request: HttpRequest, obj: Any, one: ObjectAction, data: Any = None) -> forms.Form:
        """The refund's form begins with all that can be paid back."""
        return RefundForm(obj, data) if one.name == REFUND.name else super().action_form(request, obj, one, data)

    def press_refund(self, request: HttpRequest, obj: Any, values: dict[str, Any]) -> str:
        """Pay back."""
        wish = repayments.Wish(
            payment_id=obj.pk, amount=values["amount"], reason=values["reason"], note=values["note"],
            receipt=values.get("receipt", ""), once=values["once"],
        )  # fmt: skip
        refund = repayments.create(wish=wish, by=actor_of(request))
        return f"{money(refund.amount, refund.currency)}: {refund.get_state_display()}."

    def press_settle(self, request: HttpRequest, obj: Any) -> str:
        """Take it off the list of what waits."""
        reviews.settle(payment_id=obj.pk, by=actor_of(request))
        return str(_("The payment no longer waits for anybody."))
