"""Tags, categories, technologies and authors."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse

from cms.actions import taxonomy
from cms.admin import editor
from cms.models import Author, Category, Tag, Technology
from common.admin import DeletableAdmin


class RowAdmin(DeletableAdmin):
    """Rows with a name and a slug."""

    list_display: Any = ("name", "slug")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    list_per_page = 50

    def perform_save(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> Any:
        """Add or change the row."""
        by = self.actor(request)
        if change:
            return taxonomy.update(row=obj, values=form.cleaned_data, by=by)
        return taxonomy.create(model=self.model, values=form.cleaned_data, by=by)

    def perform_delete(self, request: HttpRequest, obj: Any) -> None:
        """Remove the row."""
        taxonomy.delete(row=obj, by=self.actor(request))


admin.site.register([Tag, Category, Technology], RowAdmin)


@admin.register(Author)
class AuthorAdmin(RowAdmin):
    """Who signs posts."""

    list_display = ("name", "slug", "user")
    list_select_related = ("user",)
    fields = ("name", "slug", "avatar", "bio", "user")

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the form under the policy that the editor needs."""
        return editor.allowed(request, super().changeform_view(request, object_id, form_url, extra_context))
