"""The inbox as staff read it."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from common.admin import ReadOnlyAdmin
from payments.admin.shown import as_json, masked
from payments.models import PaymentEvent


@admin.register(PaymentEvent)
class PaymentEventAdmin(ReadOnlyAdmin):
    """Lists and shows; the payload is masked."""

    list_display = ("received_at", "type", "state", "outcome", "object_id", "mode")
    list_filter = ("state", "outcome", "type", "livemode", "received_at")
    search_fields = ("=event_id", "=object_id")
    search_help_text = _("Id of the event or of its object")
    ordering = ("-received_at", "-id")
    show_full_result_count = False
    list_per_page = 50
    fields = (
        "event_id", "type", "state", "outcome", "payment", "object_id", "mode", "api_version", "received_at",
        "secret_id", "shown_payload",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[PaymentEvent]:
        """The list needs no payloads."""
        return super().get_queryset(request).defer("payload")

    @admin.display(description=_("mode"))
    def mode(self, event: PaymentEvent) -> str:
        """Live or test."""
        return str(_("Live")) if event.livemode else str(_("Test"))

    @admin.display(description=_("payload"))
    def shown_payload(self, event: Any) -> SafeString:
        """The payload without secrets and names."""
        return as_json(masked(event.payload))
