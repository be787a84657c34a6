"""The pages beside an item's form: its history, its schedule, its preview links; and the autosave of the form."""

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse

from cms.admin import autosave, history, preview_links, schedules
from cms.models import Publishable


class ItemPages:
    """Adds the pages to a ModelAdmin of content; each is shown to those who may read the draft."""

    opts: Any
    admin_site: Any

    def get_urls(self) -> list[URLPattern]:
        """The pages' addresses before Django's, whose last one takes everything."""
        info, guard = f"cms_{self.opts.model_name}", self.admin_site.admin_view
        item = "<path:object_id>"
        one_link, one_version = f"{item}/previews/<uuid:token_id>", f"{item}/history/<int:number>"
        own = [
            path(f"{item}/history/compare/", guard(self._page(history.compare)), name=f"{info}_compare"),
            path(f"{one_version}/restore/", guard(self._page(history.restore)), name=f"{info}_restore"),
            path(f"{item}/schedule/", guard(self._page(schedules.page)), name=f"{info}_schedule"),
            path(f"{item}/previews/", guard(self._page(preview_links.page)), name=f"{info}_previews"),
            path(f"{one_link}/revoke/", guard(self._page(preview_links.revoke)), name=f"{info}_revoke"),
            path(f"{item}/autosave/", guard(self._page(autosave.save)), name=f"{info}_autosave"),
        ]
        return own + super().get_urls()  # type: ignore[misc,no-any-return]  # ModelAdmin's, by the MRO

    def history_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> HttpResponse:
        """Every version of the item, in place of Django's log entries, which are not written here."""
        return self._page(history.timeline)(request, object_id)

    def item_urls(self, item: Publishable) -> Mapping[str, str]:
        """The addresses of an item's pages, by their names."""
        names = ("change", "history", "compare", "schedule", "previews", "autosave")
        return {name: reverse(f"admin:cms_{self.opts.model_name}_{name}", args=[item.pk]) for name in names}

    def item_url(self, item: Publishable, name: str, *args: int | UUID) -> str:
        """One address of an item's page that names a version or a link too."""
        return reverse(f"admin:cms_{self.opts.model_name}_{name}", args=[item.pk, *args])

    def render_item(
        self, request: HttpRequest, item: Publishable, template: str, title: str, context: Mapping[str, Any]
    ) -> HttpResponse:
        """A page about an item, under its breadcrumb."""
        shared = {
            **self.admin_site.each_context(request),
            "title": title,
            "opts": self.opts,
            "original": item,
            "item": item,
            "urls": self.item_urls(item),
        }
        return TemplateResponse(request, f"cms/admin/{template}.html", {**shared, **context})

    def _page(self, view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
        """A view of this admin and an item; 403 for whoever may not read the draft, the start page for no item."""

        def shown(request: HttpRequest, object_id: str, **place: Any) -> HttpResponse:
            admin: Any = self
            item = admin.get_object(request, object_id)
            if item is None:
                return HttpResponseRedirect(reverse("admin:index"))
            if not admin.has_view_permission(request, item) or not admin.may_see_draft(request, item):
                raise PermissionDenied
            return view(admin, request, item, **place)

        return shown
