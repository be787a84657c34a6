"""Reconciliations and what they found."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from common.actor import actor_of
from common.admin import ObjectAction, ObjectActionsMixin, ReadOnlyAdmin, YesFilter
from common.admin.shown import NOTHING, as_json
from payments.actions import drifts, findings
from payments.admin.forms import ResolveForm
from payments.admin.payment import RECONCILE, ReconcileButton
from payments.admin.shown import table
from payments.models import Drift, ReconciliationRun


@admin.register(ReconciliationRun)
class ReconciliationRunAdmin(ReconcileButton, ObjectActionsMixin, ReadOnlyAdmin):
    """Lists and shows."""

    list_display = ("started_at", "verdict", "exit_code", "repaired", "differences", "window_from", "started_by")
    list_filter = ("verdict", "started_at")
    ordering = ("-started_at", "-id")
    show_full_result_count = False
    list_per_page = 50
    object_actions = (RECONCILE,)
    fields = (
        "verdict", "exit_code", "window_from", "window_until", "started_at", "finished_at", "started_by",
        "shown_counters", "found",
    )  # fmt: skip

    @admin.display(description=_("repaired"))
    def repaired(self, run: ReconciliationRun) -> Any:
        """How many rows were behind."""
        return run.counters.get("repaired", NOTHING)

    @admin.display(description=_("differences"))
    def differences(self, run: ReconciliationRun) -> Any:
        """How many differences there were in all."""
        return run.counters.get("drift", NOTHING)

    @admin.display(description=_("numbers"))
    def shown_counters(self, run: ReconciliationRun) -> SafeString:
        """The report's numbers."""
        return as_json(run.counters)

    @admin.display(description=_("found"))
    def found(self, run: ReconciliationRun) -> SafeString | str:
        """The differences that were new."""
        rows = [(one.get_kind_display(), one.provider_ref, one.action) for one in run.drifts.all()]
        return table([_("What"), _("Provider's id"), _("What was done")], rows)


class OpenFilter(YesFilter):
    """Differences that nobody has resolved."""

    title = _("open")
    parameter_name = "open"

    def wanted(self, queryset: QuerySet[Drift]) -> QuerySet[Drift]:
        """Those that are open."""
        return queryset.filter(resolved_at__isnull=True)


DONE = {findings.NEEDS_PERSON: _("Waits for a person"), findings.REPAIRED: _("Repaired")}
RESOLVE = ObjectAction(
    "resolve", "Resolve…", "payments.change_drift", "press_resolve", when="is_open", form=ResolveForm,
    explain="Say what became of this difference. Should a later reconciliation find it again, it comes back.",
)  # fmt: skip


@admin.register(Drift)
class DriftAdmin(ObjectActionsMixin, ReadOnlyAdmin):
    """Lists and shows; staff say what became of one."""

    list_display = ("created_at", "kind", "severity", "provider_ref", "done", "resolved_at")
    list_filter = (OpenFilter, "kind", "severity", "created_at")
    search_fields = ("=provider_ref",)
    search_help_text = _("The provider's id")
    ordering = ("-created_at", "-id")
    show_full_result_count = False
    list_per_page = 50
    object_actions = (RESOLVE,)
    fields = (
        "kind", "severity", "provider_ref", "payment", "shown_local", "shown_remote", "done", "run", "created_at",
        "resolved_by", "resolved_at", "note",
    )  # fmt: skip

    @admin.display(description=_("here"))
    def shown_local(self, drift: Drift) -> SafeString | str:
        """Our side."""
        return _pairs(drift.local)

    @admin.display(description=_("at the provider"))
    def shown_remote(self, drift: Drift) -> SafeString | str:
        """The provider's side."""
        return _pairs(drift.remote)

    @admin.display(description=_("what was done"), ordering="action")
    def done(self, drift: Drift) -> str:
        """Whether we could mend it."""
        settled = drift.action == findings.NEEDS_PERSON and drift.resolved_at is not None
        return str(_("Settled") if settled else DONE.get(drift.action, drift.action))

    def is_open(self, drift: Drift) -> bool:
        """Whether it waits for somebody."""
        return drift.resolved_at is None

    def press_resolve(self, request: HttpRequest, obj: Any, values: dict[str, Any]) -> str:
        """Close it with its note."""
        drifts.resolve_drift(drift_id=obj.pk, note=values["note"], by=actor_of(request))
        return str(_("The difference is resolved."))


def _pairs(values: dict[str, Any]) -> SafeString | str:
    return table([_("What"), _("Value")], sorted(values.items()))
