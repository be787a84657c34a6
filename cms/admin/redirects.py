"""Addresses that were public, and where each leads now; for looking up."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cms import addresses, registry
from cms.admin import words
from cms.models import SlugHistory
from cms.registry import ContentType
from common.admin import ReadOnlyAdmin

GONE = "Gone: it answers that it is no more"


class TypeFilter(admin.SimpleListFilter):
    """One type of content, by the name that staff know."""

    title = "type"
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every type with an address."""
        return [(kind.name, _plural(kind)) for kind in registry.all_types()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list."""
        return queryset.filter(item_type=self.value()) if self.value() else queryset


class ShownFilter(admin.SimpleListFilter):
    """Addresses that lead elsewhere or are gone; those at which items are public now only when asked for."""

    title = "shown"
    parameter_name = "shown"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """What there is beside the redirects."""
        return [("all", "Every address")]

    def choices(self, changelist: Any) -> Iterator[Any]:
        """The redirects take the place of Django's `All`."""
        first, *others = super().choices(changelist)
        yield {**first, "display": "Redirects"}
        yield from others

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Narrow the list. A slug that is public belongs to the item that the row names: it had it last."""
        if self.value() == "all":
            return queryset
        own = Q(pk__in=())
        for kind in registry.all_types():
            own |= Q(item_type=kind.name, slug__in=kind.live().values("slug"))
        return queryset.exclude(own)


@admin.register(SlugHistory)
class SlugHistoryAdmin(ReadOnlyAdmin):
    """Which addresses lead where is decided by who had the slug last."""

    list_display = ("address", "leads_to", "type_name", "since")
    list_filter = (ShownFilter, TypeFilter)
    search_fields = ("slug",)
    list_per_page = 50
    fields = ("address", "leads_to", "type_name", "since")

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """Find the public slugs of all rows of the page by one query a type."""
        changelist: Any = super().get_changelist_instance(request)
        _find_targets(changelist.result_list)
        return changelist

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """The row with where it leads."""
        found = super().get_object(request, object_id, from_field)
        if found is not None:
            _find_targets([found])
        return found

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Any], search_term: str) -> Any:
        """Take a whole address too: only its last part is stored."""
        return super().get_search_results(request, queryset, search_term.rstrip("/").rpartition("/")[2])

    @admin.display(description="Address", ordering="slug")
    def address(self, obj: SlugHistory) -> str:
        """The path that was public."""
        return addresses.page_path(registry.get(obj.item_type), obj.slug)

    @admin.display(description="Leads to")
    def leads_to(self, obj: Any) -> SafeString | str:
        """The item's address now, in words where it is this one or none."""
        if obj.target is None:
            return GONE
        if obj.target == obj.slug:
            return "Itself: it is the item's address"
        path = addresses.page_path(registry.get(obj.item_type), obj.target)
        return format_html('<a href="{}">{}</a>', path, path)

    @admin.display(description="Type", ordering="item_type")
    def type_name(self, obj: SlugHistory) -> str:
        """The type by the name that staff know."""
        return _plural(registry.get(obj.item_type))

    @admin.display(description="Public since", ordering="public_since")
    def since(self, obj: SlugHistory) -> str:
        """The instant in the studio's zone."""
        return words.moment(obj.public_since)


def _find_targets(rows: Any) -> None:
    """Note at each row the slug at which its item is public now, or None."""
    for kind in registry.all_types():
        own = [row for row in rows if row.item_type == kind.name]
        live = kind.live().filter(pk__in={row.item_id for row in own}) if own else kind.live().none()
        slugs = {str(pk): slug for pk, slug in live.values_list("pk", "slug")}
        for row in own:
            row.target = slugs.get(row.item_id)


def _plural(kind: ContentType) -> str:
    return str(kind.model._meta.verbose_name_plural).capitalize()
