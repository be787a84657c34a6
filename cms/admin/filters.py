"""Filters of content lists."""

from typing import Any

from django.contrib import admin
from django.db.models import F, Q, QuerySet
from django.http import HttpRequest

from cms.constants import State


class StandsFilter(admin.SimpleListFilter):
    """Where items stand, in the words of the state column; the trash is shown only when asked for."""

    title = "state"
    parameter_name = "stands"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return the choices."""
        return [
            ("live", "Live"),
            ("changed", "Live with unpublished changes"),
            ("draft", "Drafts"),
            ("review", "In review"),
            ("scheduled", "Scheduled"),
            ("called_off", "Schedule failed"),
            ("archived", "Archived"),
            ("trash", "Trash"),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list."""
        if self.value() == "trash":
            return queryset.filter(deleted_at__isnull=False)
        wanted = {
            "live": Q(live_revision__isnull=False),
            "changed": Q(live_revision__isnull=False) & ~Q(live_revision=F("latest_revision")),
            "draft": Q(state=State.DRAFT),
            "review": Q(state=State.IN_REVIEW),
            "scheduled": Q(state=State.SCHEDULED),
            "called_off": ~Q(schedule_problem=""),
            "archived": Q(state=State.ARCHIVED),
        }.get(self.value() or "", Q())
        return queryset.filter(wanted, deleted_at__isnull=True)
