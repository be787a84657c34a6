"""Filters of the log's list. Their choices come from the registry of events, never from the table."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import SuspiciousOperation
from django.db.models import QuerySet
from django.http import HttpRequest

from audit.models import AuditEvent
from common import events


class OfferedFilter(admin.SimpleListFilter):
    """A filter that takes what it offers and nothing else."""

    def queryset(self, request: HttpRequest, queryset: QuerySet[AuditEvent]) -> QuerySet[AuditEvent]:
        """Narrow the rows; raises SuspiciousOperation for a value that nobody was offered."""
        value = self.value()
        if value is None:
            return queryset
        if value not in {offered for offered, _ in self.lookup_choices}:
            raise SuspiciousOperation(f"The filter {self.parameter_name} offers no such value.")
        return self.narrow(queryset, value)

    def narrow(self, queryset: QuerySet[AuditEvent], value: str) -> QuerySet[AuditEvent]:
        """Keep the rows of an offered value."""
        raise NotImplementedError


class AreaFilter(OfferedFilter):
    """One area: the word before the first dot of the action."""

    title = "area"
    parameter_name = "area"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer each area that any app registered."""
        areas = sorted({name.partition(".")[0] for name in events.registry})
        return [(area, area.replace("_", " ").capitalize()) for area in areas]

    def narrow(self, queryset: QuerySet[AuditEvent], value: str) -> QuerySet[AuditEvent]:
        """Filter by the prefix."""
        return queryset.filter(action__startswith=f"{value}.")


class ActionFilter(OfferedFilter):
    """One event, in words."""

    title = "what happened"
    parameter_name = "event"  # not the column's name, by which the list takes no filter

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Offer the events of the chosen area, or all."""
        area = request.GET.get("area", "")
        named = sorted((words, name) for name, words in events.registry.items())
        return [(name, words) for words, name in named if not area or name.startswith(f"{area}.")]

    def narrow(self, queryset: QuerySet[AuditEvent], value: str) -> QuerySet[AuditEvent]:
        """Filter by the name."""
        return queryset.filter(action=value)
