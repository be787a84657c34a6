"""Disputes as staff read them: how long there is to answer, and the evidence to answer with."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from common.actor import actor_of
from common.admin import ReadOnlyAdmin, YesFilter
from common.errors import NotFound
from payments.actions import evidence
from payments.admin import timeline
from payments.admin.shown import countdown, money, provider_link
from payments.constants import ANSWERABLE_DISPUTES
from payments.models import Dispute

COURSE = ("opened_at", "evidence_due_by", "deadline_told_at", "closed_at", "updated_at", "id")


class AnswerFilter(YesFilter):
    """Disputes that wait for our evidence."""

    title = _("to be answered")
    parameter_name = "answer"

    def wanted(self, queryset: QuerySet[Dispute]) -> QuerySet[Dispute]:
        """Those that wait."""
        return queryset.filter(status__in=ANSWERABLE_DISPUTES)


@admin.register(Dispute)
class DisputeAdmin(ReadOnlyAdmin):
    """Lists and shows; the answer itself is given at the provider."""

    list_display = ("opened_at", "time_left", "status", "amount_text", "customer", "reference", "funds", "reason")
    list_filter = (AnswerFilter, "status", "funds", "opened_at")
    list_select_related = ("payment__booking",)
    search_fields = ("payment__booking__reference", "=provider_ref", "=payment__provider_ref")
    search_help_text = _("Booking reference, or the provider's id of the dispute or payment")
    ordering = ("-opened_at", "-id")
    show_full_result_count = False
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("time_left", "evidence_link", "status", "funds", "amount_text", "reason")}),
        (_("Payment"), {"fields": ("payment_link", "reference", "customer", "dispute_link")}),
        (_("Course"), {"fields": COURSE}),
    )
    readonly_fields = ("updated_at", "id")

    def get_urls(self) -> list[URLPattern]:
        """The evidence beside the usual pages."""
        view = self.admin_site.admin_view(self.evidence_view)
        return [path("<uuid:dispute_id>/evidence/", view, name="payments_dispute_evidence"), *super().get_urls()]

    def evidence_view(self, request: HttpRequest, dispute_id: Any) -> HttpResponse:
        """One file to save, print and send; each download is in the audit log."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        try:
            name, page = evidence.export(dispute_id=dispute_id, by=actor_of(request))
        except NotFound:
            raise Http404 from None
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return HttpResponse(page, headers=headers)

    @admin.display(description=_("booking"), ordering="payment__booking__reference")
    def reference(self, dispute: Dispute) -> str:
        """The booking's reference."""
        return dispute.payment.booking.reference

    @admin.display(description=_("customer"))
    def customer(self, dispute: Dispute) -> str:
        """Whose bank disputes it."""
        return dispute.payment.booking.customer_name

    @admin.display(description=_("amount"), ordering="amount")
    def amount_text(self, dispute: Dispute) -> str:
        """What the bank took or asks about."""
        return money(dispute.amount, dispute.currency)

    @admin.display(description=_("time left"), ordering="evidence_due_by")
    def time_left(self, dispute: Dispute) -> str:
        """Until when the evidence must be there."""
        return countdown(dispute)

    @admin.display(description=_("evidence"))
    def evidence_link(self, dispute: Dispute) -> SafeString:
        """All that we know of the booking, in one file."""
        url = reverse("admin:payments_dispute_evidence", args=[dispute.pk])
        label = _("Download booking, consent, mails, receipt and timeline as one file")
        return format_html('<a href="{}" download>{}</a>', url, label)

    @admin.display(description=_("payment"))
    def payment_link(self, dispute: Dispute) -> SafeString:
        """The payment's page."""
        return timeline.link("payment", dispute.payment_id, str(dispute.payment))

    @admin.display(description=_("provider's id"))
    def dispute_link(self, dispute: Dispute) -> SafeString | str:
        """The provider's id with a link to its dashboard, where the dispute is answered."""
        return provider_link(dispute.provider_ref, "disputes", livemode=dispute.payment.livemode)
