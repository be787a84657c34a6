"""The audit log as staff read it: filters, search, and what changed side by side; verified and exported from there."""

import json
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, StreamingHttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from audit import exports, selectors
from audit.actions import exporting, reading, verifying
from audit.admin.filters import ActionFilter, AreaFilter
from audit.constants import MAY_EXPORT, MAY_VERIFY, MAY_VIEW, VERIFIED_AT_ONCE_ROWS
from audit.models import AuditEvent, AuditSeal
from audit.verification import Scope
from common import events
from common.actor import actor_of
from common.admin import ReadOnlyAdmin
from common.admin.shown import NOTHING


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    """Read only, whoever asks. Opening the list and opening an event are events themselves."""

    change_list_template = "admin/audit/auditevent/change_list.html"
    list_display = ("at", "what", "who", "about", "outcome")
    list_display_links = ("at", "what")
    list_filter = (AreaFilter, ActionFilter, "outcome", "actor_kind", "at")
    search_fields = ("action", "actor_label", "target_label", "target_id", "actor_id", "reason", "request_id")
    search_help_text = "Action, person, object, reason or request id"
    date_hierarchy = "at"
    ordering = ("-at", "-id")
    show_full_result_count = False
    list_per_page = 50
    fieldsets = (
        (None, {"fields": ("at", "what", "who", "about", "outcome", "reason", "changes", "more")}),
        ("Where it came from", {"fields": ("ip", "user_agent", "session_id", "request_id", "job_id", "on_behalf_of")}),
        ("Proof", {"fields": ("id", "action", "xid", "schema_version", "fingerprint", "sealed")}),
    )
    readonly_fields = ("what", "who", "about", "changes", "more", "fingerprint", "sealed")

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Those who may read the log."""
        user: Any = request.user
        return bool(user.has_perm(MAY_VIEW))

    def has_module_permission(self, request: HttpRequest) -> bool:
        """The menu shows the log to those who may read it."""
        return self.has_view_permission(request)

    def get_urls(self) -> list[URLPattern]:
        """The addresses of the buttons above the list."""
        site = self.admin_site
        own = [
            path("verify/", site.admin_view(self.verify_view), name="audit_auditevent_verify"),
            path("export/<slug:form>/", site.admin_view(self.export_view), name="audit_auditevent_export"),
        ]
        return own + super().get_urls()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The list, with what protects the log and the buttons that this user may press."""
        user: Any = request.user
        answer = super().changelist_view(
            request,
            {
                "out_of_reach": selectors.is_out_of_reach(),
                "may_verify": user.has_perm(MAY_VERIFY),
                "may_export": user.has_perm(MAY_EXPORT),
                **(extra_context or {}),
            },
        )
        if answer.status_code == HttpResponse.status_code:
            reading.note_read(query=_asked(request), by=actor_of(request), turning="p" in request.GET)
        return answer

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """One event."""
        answer = super().change_view(request, object_id, form_url, extra_context)
        if answer.status_code == HttpResponse.status_code:
            reading.note_read(query={"id": object_id}, by=actor_of(request))
        return answer

    def verify_view(self, request: HttpRequest) -> HttpResponse:
        """Verify the log, or of a long one a sample, and say what was found."""
        _demand(request, MAY_VERIFY)
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        newest = AuditSeal.objects.order_by("-n").first()
        scope = Scope(sample=newest is not None and newest.last_id > VERIFIED_AT_ONCE_ROWS)
        report = verifying.verify(scope=scope, by=actor_of(request))
        say = messages.success if report.is_clean else messages.error
        say(request, report.summary)
        for line in (*map(str, report.faults[1:]), *report.notes):
            messages.warning(request, line)
        if scope.sample:
            messages.info(request, "The log is long: this was a sample. A job verifies all of it every day.")
        return HttpResponseRedirect(reverse("admin:audit_auditevent_changelist"))

    def export_view(self, request: HttpRequest, form: str) -> HttpResponse | StreamingHttpResponse:
        """The rows of the list with its filters, as a file."""
        _demand(request, MAY_EXPORT)
        if request.method != "POST" or form not in exports.TYPES:
            return HttpResponseNotAllowed(["POST"])
        found = self.get_changelist_instance(request).get_queryset(request).order_by()
        lines = exporting.rows(events=found, form=form, query=_asked(request), by=actor_of(request))
        headers = {"Content-Disposition": f'attachment; filename="audit.{form}"', "Cache-Control": "no-store"}
        return StreamingHttpResponse(lines, content_type=exports.TYPES[form], headers=headers)

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

    @admin.display(description="Seal")
    def sealed(self, event: AuditEvent) -> str:
        """Name the seal that holds the row."""
        seal = selectors.seal_of(event)
        return f"{seal.n}, {seal.at:%Y-%m-%d %H:%M} UTC, key {seal.key_id}" if seal else "Not sealed yet"


def _demand(request: HttpRequest, permission: str) -> None:
    user: Any = request.user
    if not user.has_perm(permission):
        raise PermissionDenied


def _asked(request: HttpRequest) -> dict[str, str]:
    """What the address asks for, whichever of its pages."""
    return {name: str(value) for name, value in sorted(request.GET.items()) if name != "p"}


def _shown(value: Any) -> str:
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, indent=1)
