"""The inbox as staff read it."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from common.actor import actor_of
from common.admin import ObjectAction, ObjectActionsMixin, ReadOnlyAdmin
from common.admin.shown import as_json
from payments.actions import inbox
from payments.admin.shown import masked
from payments.constants import EventState
from payments.models import PaymentEvent

REPLAY = ObjectAction(
    "replay", "Replay event", "payments.replay", "press_replay", when="may_replay",
    explain="Applies this event again, from the newest state that the provider shows.",
)  # fmt: skip


@admin.register(PaymentEvent)
class PaymentEventAdmin(ObjectActionsMixin, ReadOnlyAdmin):
    """Lists and shows; the payload is masked."""

    list_display = ("received_at", "type", "state", "outcome", "object_id", "mode")
    list_filter = ("state", "outcome", "type", "livemode", "received_at")
    search_fields = ("=event_id", "=object_id")
    search_help_text = _("Id of the event or of its object")
    ordering = ("-received_at", "-id")
    object_actions = (REPLAY,)
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

    def may_replay(self, event: Any) -> bool:
        """Whether it is applied at all, and not just now."""
        return bool(event.state != EventState.RECEIVED)

    def press_replay(self, request: HttpRequest, obj: Any) -> str:
        """Queue it once more."""
        event = inbox.replay(event_id=obj.event_id, by=actor_of(request))
        if event.state == EventState.IGNORED:
            return str(_("This event is ignored today as it was before: {why}.")).format(why=event.outcome)
        return str(_("The event is in the queue; its outcome appears here in a moment."))
