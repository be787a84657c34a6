"""Every message that went out, or did not, as staff see it."""

from typing import Any

from csp.constants import NONE
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.template import TemplateDoesNotExist
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from common.actor import actor_of
from common.admin import ObjectAction, ObjectActionsMixin, ReadOnlyAdmin
from common.admin.shown import NOTHING, as_json, as_text
from common.csp import csp_replace
from mail import local_files, secrets_box, selectors
from mail.actions import clear, drop, let_go, resend
from mail.models import MarkedAddress, Message, State
from mail.rendering import Rendered, render

RELEASE = "mail.release_message"
# A mail's own style may be inline; nothing in it may run, load or be submitted.
SANDBOX = {"default-src": [NONE], "style-src": ["'unsafe-inline'"], "sandbox": True, "frame-ancestors": [NONE]}


def _rendered(message: Message) -> Rendered | None:
    """Render the message with its secrets masked; None when its template is gone."""
    try:
        return render(message.template, message.context | secrets_box.masks(message))
    except TemplateDoesNotExist:
        return None


@admin.register(Message)
class MessageAdmin(ObjectActionsMixin, ReadOnlyAdmin):
    """Lists and shows messages; *Send again* is the only write."""

    list_display = ("subject", "to", "state", "template", "created_at", "sent_at")
    list_filter = ("state", "template", "created_at")
    search_fields = ("subject", "to", "key", "request_id")
    search_help_text = "Subject, address or key"
    ordering = ("-created_at", "-id")
    show_full_result_count = False
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("subject", "to", "trouble", "state", "error", "text", "other_forms", "links", "files")}),
        ("Course", {"fields": ("created_at", "sent_at", "reports")}),
        ("Origin", {"fields": ("template", "values", "key", "provider_id", "request_id", "actor_kind", "actor_id")}),
    )
    readonly_fields = ("text", "other_forms", "links", "files", "values", "trouble", "reports")
    object_actions = (
        ObjectAction(
            "resend",
            "Send again",
            "mail.resend_message",
            "press_resend",
            when="may_resend",
            explain="Sends a new message; where the old one held a secret link, with a new link.",
        ),
        ObjectAction("let_go", "Let it go", RELEASE, "press_let_go", when="is_held", explain="Sends the message now."),
        ObjectAction(
            "drop",
            "Drop it",
            RELEASE,
            "press_drop",
            when="may_drop",
            danger=True,
            explain="The message is never sent, and its secret parts are erased.",
        ),
    )

    def get_urls(self) -> list[URLPattern]:
        """Add the views of the HTML part and of the local file."""
        html = csp_replace(SANDBOX)(self.admin_site.admin_view(self.html_view))
        return [
            path("<uuid:message_id>/html/", html, name="mail_message_html"),
            path("<uuid:message_id>/eml/", self.admin_site.admin_view(self.eml_view), name="mail_message_eml"),
            *super().get_urls(),
        ]

    def html_view(self, request: HttpRequest, message_id: Any) -> HttpResponse:
        """Show the HTML part, sandboxed, with its secrets masked."""
        rendered = _rendered(self._viewed(request, message_id))
        if rendered is None:
            raise Http404
        return HttpResponse(rendered.html)

    def eml_view(self, request: HttpRequest, message_id: Any) -> FileResponse:
        """Hand out the file that local mode wrote."""
        file = local_files.file_of(self._viewed(request, message_id))
        if file is None:
            raise Http404
        return FileResponse(file.open("rb"), as_attachment=True, filename=file.name, content_type="message/rfc822")

    def _viewed(self, request: HttpRequest, message_id: Any) -> Message:
        message = self.get_object(request, str(message_id))
        if message is None:
            raise Http404
        if not self.has_view_permission(request, message):
            raise PermissionDenied
        return message  # type: ignore[no-any-return]  # ModelAdmin is generic only in the stubs

    @admin.display(description="Text")
    def text(self, message: Message) -> SafeString | str:
        """Show the text part."""
        rendered = _rendered(message)
        return as_text(rendered.text) if rendered else "Its template is gone."

    @admin.display(description="Other forms")
    def other_forms(self, message: Message) -> SafeString:
        """Link to the HTML part and, in local mode, to the file."""
        pages = [(reverse("admin:mail_message_html", args=[message.pk]), "HTML part")]
        if local_files.file_of(message):
            pages.append((reverse("admin:mail_message_eml", args=[message.pk]), f"var/mail/{message.file_name}"))
        return format_html_join(" · ", '<a href="{}" target="_blank" rel="noopener">{}</a>', pages)

    @admin.display(description="Links (local mode)")
    def links(self, message: Message) -> SafeString | str:
        """Show the links of the file as links: local mode has no mailbox to click in."""
        file = local_files.file_of(message)
        found = local_files.links_in(file) if file else []
        return format_html_join("", '<div><a href="{0}">{0}</a></div>', ((link,) for link in found)) or NOTHING

    @admin.display(description="Attachments")
    def files(self, message: Message) -> str:
        """Name the attachments."""
        return ", ".join(message.attachments.values_list("name", flat=True)) or NOTHING

    @admin.display(description="Values")
    def values(self, message: Message) -> SafeString:
        """Show the context, secrets masked."""
        return as_json(message.context | secrets_box.masks(message))

    @admin.display(description="Reports of the provider")
    def reports(self, message: Message) -> SafeString | str:
        """Show what the provider's webhook told, oldest first."""
        rows = (
            (event.happened_at or event.received_at, event.kind, event.provider, event.reason, event.detail)
            for event in message.events.all()
        )
        lines = ((f"{at:%Y-%m-%d %H:%M:%S} UTC", kind, by, why, said) for at, kind, by, why, said in rows)
        return format_html_join("", "<div>{} · <strong>{}</strong> · {} {} {}</div>", lines) or NOTHING

    @admin.display(description="Address")
    def trouble(self, message: Message) -> str:
        """Say what is known against the address."""
        found = selectors.address_trouble(message.to)
        return found.words if found else NOTHING

    def may_resend(self, message: Message) -> bool:
        """Say whether *Send again* is offered: not while the message is still on its way."""
        return message.state not in {State.QUEUED, State.SENDING, State.HELD}

    def is_held(self, message: Message) -> bool:
        """Say whether *Let it go* is offered."""
        return message.state == State.HELD

    def may_drop(self, message: Message) -> bool:
        """Say whether *Drop it* is offered."""
        return message.state in {State.HELD, State.QUEUED}

    def press_let_go(self, request: HttpRequest, obj: Any) -> str:
        """Queue the held message."""
        let_go(message=obj, by=actor_of(request))
        return "The message is in the queue."

    def press_drop(self, request: HttpRequest, obj: Any) -> str:
        """Give the message up before it was sent."""
        drop(message=obj, by=actor_of(request))
        return "The message is dropped, and will not be sent."

    def press_resend(self, request: HttpRequest, obj: Any) -> str:
        """Send the message again."""
        resend(message=obj, by=actor_of(request))
        return "A new message is in the queue."


@admin.register(MarkedAddress)
class MarkedAddressAdmin(ObjectActionsMixin, ReadOnlyAdmin):
    """Addresses that bounced or whose readers complained; a person may say that one works again."""

    list_display = ("address", "bounced_at", "complained_at", "detail")
    list_filter = ("bounced_at", "complained_at")
    search_fields = ("address",)
    ordering = ("address",)
    list_per_page = 50
    fields = ("address", "bounced_at", "complained_at", "detail", "message")
    object_actions = (
        ObjectAction(
            "clear",
            "It works again",
            "mail.clear_markedaddress",
            "press_clear",
            explain="Takes the mark away. The provider may keep a list of its own.",
        ),
    )

    def press_clear(self, request: HttpRequest, obj: Any) -> str:
        """Take the mark away."""
        clear(marked=obj, by=actor_of(request))
        return f"{obj.address} is no longer marked."
