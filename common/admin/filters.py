"""Filters of the admin's lists."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _


class YesFilter(admin.SimpleListFilter):
    """All rows, or only those that `wanted` says; its parameter is then `yes`."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """One choice beside all."""
        return [("yes", _("Yes"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those that are wanted."""
        return self.wanted(queryset) if self.value() == "yes" else queryset

    def wanted(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the rows."""
        raise NotImplementedError(f"{type(self).__name__} does not say which rows are wanted.")
