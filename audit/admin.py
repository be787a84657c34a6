"""The audit log as staff read it: filters, search, and what changed side by side."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit.models import AuditEvent
from common import events
from common.admin import ReadOnlyAdmin
from common.admin.shown import NOTHING


class AppFilter(admin.SimpleListFilter):
    """Narrows to one area: the word before the first dot of the action."""

    title = "area"
    parameter_name = "area"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer each area that any app registered."""
        areas = sorted({name.partition(".")[0] for name in events.registry})
        return [(area, area.replace("_", " ").capitalize()) for area in areas]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        """Filter by the prefix."""
        return queryset.filter(action__startswith=f"{self.value()}.") if self.value() else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Read only, whoever asks."""

    list_display = ("at", "what", "who", "about", "outcome")
    list_display_links = ("at", "what")
    list_filter = (AppFilter, "outcome", "actor_kind", "at", "action")
    search_fields = ("action", "actor_label", "target_label", "target_id", "actor_id", "reason", "request_id")
    search_help_text = "Action, person, object, reason or request id"
    date_hierarchy = "at"
    ordering = ("-at", "-id")
    show_full_result_count = False
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("at", "what", "who", "about", "outcome", "reason", "changes", "more")}),
        ("Where it came from", {"fields": ("ip", "user_agent", "session_id", "request_id", "job_id", "on_behalf_of")}),
        ("Proof", {"fields": ("id", "action", "xid", "schema_version", "fingerprint")}),
    )
    readonly_fields = ("what", "who", "about", "changes", "more", "fingerprint")

    @admin.display(description="What", ordering="action")
    def what(self, event: AuditEvent) -> str:
        """Show the action in words."""
        return events.registry.get(event.action, event.action)

    @admin.display(description="Who", ordering="actor_label")
    def who(self, event: AuditEvent) -> str:
        """Show the actor by name, and what kind of actor that is."""
        return f"{event.actor_label or event.actor_id or NOTHING} ({event.get_actor_kind_display().lower()})"

    @admin.display(description="About", ordering="target_label")
    def about(self, event: AuditEvent) -> str:
        """Show the target by name, or by type and id once the name is erased."""
        return event.target_label or f"{event.target_type} {event.target_id}".strip() or NOTHING

    @admin.display(description="Changes")
    def changes(self, event: AuditEvent) -> str | SafeString:
        """Show before and after of each field as a table."""
        before, after = event.before or {}, event.after or {}
        names = [*before, *(name for name in after if name not in before)]
        if not names:
            return NOTHING
        rows = format_html_join(
            "",
            '<tr><th scope="row">{}</th><td>{}</td><td>{}</td></tr>',
            ((name.replace("_", " "), _shown(before.get(name)), _shown(after.get(name))) for name in names),
        )
        head = '<thead><tr><th scope="col">Field</th><th scope="col">Before</th><th scope="col">After</th></tr></thead>'
        return format_html('<table class="changes">' + head + "<tbody>{}</tbody></table>", rows)

    @admin.display(description="Details")
    def more(self, event: AuditEvent) -> str | SafeString:
        """Show what else the action noted."""
        if not event.meta:
            return NOTHING
        return format_html_join("", "<div>{}: {}</div>", ((name, _shown(value)) for name, value in event.meta.items()))

    @admin.display(description="Row hash")
    def fingerprint(self, event: AuditEvent) -> SafeString:
        """Show the row's hash as hex."""
        return format_html("<code>{}</code>", bytes(event.row_hash).hex())


def _shown(value: Any) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
