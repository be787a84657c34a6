"""Publish webhooks: whom they go to, what was sent, and what was answered."""

import json
from typing import Any

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cms.actions import deliveries, endpoints
from cms.actions.endpoints import Issued
from cms.admin import words
from cms.constants import DELIVER
from cms.models import Delivery, PublishEndpoint
from cms.models.outward import DeliveryState
from common.actor import actor_of
from common.admin import DeletableAdmin, ObjectAction, ObjectActionsMixin, ReadOnlyAdmin
from common.admin.shown import NOTHING, as_text
from common.clock import db_now
from jobs.selectors import waiting_until

ISSUED = "_studio_issued_secret"
SEND = "cms.send_publishendpoint"


class EndpointForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    """What staff say of an endpoint; its secret is made, never typed."""

    class Meta:
        model = PublishEndpoint
        fields = ("label", "url", "active")

    def validate_unique(self) -> None:
        """Left to the action."""

    def validate_constraints(self) -> None:
        """Left to the action."""


def _answer(status: int | None, error: str) -> str:
    return error or (str(status) if status else NOTHING)


@admin.register(PublishEndpoint)
class PublishEndpointAdmin(ObjectActionsMixin, DeletableAdmin):
    """Where changes are sent; a secret is seen once, on the page that follows its making."""

    form = EndpointForm
    reauth_to_save = True
    list_display = ("label", "url", "active", "last_at", "last_result")
    list_filter = ("active",)
    search_fields = ("label", "url")
    fields = ("label", "url", "active")
    object_actions = (
        ObjectAction(
            "test",
            "Send a test",
            SEND,
            "press_test",
            when="is_active",
            explain="Sends a message that names no content.",
        ),
        ObjectAction(
            "rotate",
            "New secret",
            "cms.change_publishendpoint",
            "press_rotate",
            danger=True,
            reauth=True,
            explain="Shows a new secret once. The old one signs too for a day.",
        ),
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The form, and below it the facts of an endpoint that exists."""
        facts = ("last_at", "last_result", "secret_made_at", "sent") if obj else ()
        return (*self.fields, *facts)

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """The facts."""
        return ("last_at", "last_result", "secret_made_at", "sent")

    @admin.display(description="last answer")
    def last_result(self, obj: PublishEndpoint) -> str:
        """The status of the last call, or why there was none."""
        return _answer(obj.last_status, obj.last_error)

    @admin.display(description="what was sent")
    def sent(self, obj: PublishEndpoint) -> SafeString:
        """Lead to its deliveries."""
        url = f"{reverse('admin:cms_delivery_changelist')}?endpoint__id__exact={obj.pk}"
        return format_html('<a href="{}">Deliveries</a>', url)

    def is_active(self, obj: PublishEndpoint) -> bool:
        """Whether anything would be sent."""
        return obj.active

    def perform_save(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> PublishEndpoint:
        """Add or change it."""
        values = {name: form.cleaned_data[name] for name in self.fields}
        if change:
            return endpoints.update(endpoint=obj, values=values, by=self.actor(request))
        issued = endpoints.create(values=values, by=self.actor(request))
        setattr(request, ISSUED, issued)
        return issued.endpoint

    def perform_delete(self, request: HttpRequest, obj: Any) -> None:
        """Remove it."""
        endpoints.delete(endpoint=obj, by=self.actor(request))

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """Its deliveries go with it; nobody deletes them by themselves, so no right to that is asked for."""
        shown, counts, wanted, protected = super().get_deleted_objects(objs, request)
        return shown, counts, wanted - {Delivery._meta.verbose_name}, protected

    def press_test(self, request: HttpRequest, obj: Any) -> str:
        """The button."""
        deliveries.send_test(endpoint=obj, by=self.actor(request))
        return "A test message is on its way."

    def press_rotate(self, request: HttpRequest, obj: Any) -> str:
        """The button."""
        setattr(request, ISSUED, endpoints.rotate(endpoint=obj, by=self.actor(request)))
        return "There is a new secret."

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        """Show the secret instead of leading back to the list."""
        return self._shown(request) or super().response_add(request, obj, post_url_continue)

    def object_action_view(self, request: HttpRequest, object_id: str, name: str) -> HttpResponse:
        """Show the secret where the button made one."""
        answer = super().object_action_view(request, object_id, name)
        return self._shown(request) or answer

    def _shown(self, request: HttpRequest) -> HttpResponse | None:
        issued: Issued | None = getattr(request, ISSUED, None)
        if issued is None:
            return None
        context = {
            **self.admin_site.each_context(request),
            "title": "Copy the secret now",
            "opts": self.opts,
            "endpoint": issued.endpoint,
            "secret": issued.secret,
        }
        headers = {"Cache-Control": "private, no-store"}
        return TemplateResponse(request, "admin/cms/webhook_secret.html", context, headers=headers)


@admin.register(Delivery)
class DeliveryAdmin(ObjectActionsMixin, ReadOnlyAdmin):
    """Every message of the last 30 days."""

    list_display = ("created_at", "standing", "what", "happening", "answer", "answered_at", "endpoint")
    list_filter = ("state", "type", "endpoint")
    list_select_related = ("endpoint",)
    list_per_page = 50
    show_full_result_count = False
    fields = (
        "endpoint", "standing", "answer", "answered_at", "attempts", "created_at", "changes", "message_id", "body",
    )  # fmt: skip
    readonly_fields = ("standing", "answer", "message_id", "body")
    object_actions = (
        ObjectAction(
            "again",
            "Send again",
            SEND,
            "press_again",
            when="is_closed",
            explain="Sends the same message with the same id now.",
        ),
    )

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Find by one query when the deliveries of the page are tried again."""
        changelist: Any = super().get_changelist_instance(request)
        _find_next_tries(changelist.result_list)
        return changelist

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row with its next try."""
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            _find_next_tries([found])
        return found

    @admin.display(description="state", ordering="state")
    def standing(self, obj: Any) -> str:
        """How far it is; of one that was refused, when it is tried again."""
        now = db_now()
        if obj.next_try is None or obj.next_try <= now:
            return str(obj.get_state_display())
        return f"Will be tried again {words.distance(obj.next_try, now=now)}: {words.moment(obj.next_try, now=now)}"

    @admin.display(description="item")
    def what(self, obj: Delivery) -> str:
        """Which item it is about."""
        return obj.subject or NOTHING

    @admin.display(description="type", ordering="type")
    def happening(self, obj: Delivery) -> str:
        """What it tells."""
        return obj.happening

    @admin.display(description="answer")
    def answer(self, obj: Delivery) -> str:
        """What the last try brought."""
        return _answer(obj.status, obj.error)

    @admin.display(description="message id")
    def message_id(self, obj: Delivery) -> str:
        """The header `webhook-id`."""
        return obj.message_id

    @admin.display(description="body")
    def body(self, obj: Delivery) -> SafeString:
        """What is sent."""
        return as_text(json.dumps({"type": obj.type, "data": obj.data}, indent=2, ensure_ascii=False))

    def is_closed(self, obj: Delivery) -> bool:
        """Whether it waits for no more changes, and its endpoint is on."""
        return obj.state != DeliveryState.COLLECTING and obj.endpoint.active

    def press_again(self, request: HttpRequest, obj: Any) -> str:
        """The button."""
        deliveries.send_again(delivery=obj, by=actor_of(request))
        return "The message is on its way."


def _find_next_tries(rows: Any) -> None:
    """Note at each row when its job has it tried again, or None where no try has failed or none is planned."""
    refused = {str(row.pk) for row in rows if row.state == DeliveryState.SENDING and row.error}
    due = waiting_until(kind=DELIVER, keys=refused) if refused else {}
    for row in rows:
        row.next_try = due.get(str(row.pk))
