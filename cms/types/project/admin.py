"""Projects in the back office."""

from typing import Any

from django.contrib import admin
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cms.admin.content import ORDER, SEARCH_ENGINES, ContentAdmin, StandsFilter
from cms.admin.forms import DraftForm, gallery_field
from cms.admin.media import CHOSEN
from cms.models import Project
from common.admin.shown import NOTHING, as_links
from uploads import selectors as uploads
from uploads.constants import State

MOST_FILES = 50


class ProjectForm(DraftForm):
    """A project's draft."""

    ROWS = {"pictures": "gallery"}

    pictures = gallery_field()


@admin.register(Project)
class ProjectAdmin(ContentAdmin):
    """What the studio made."""

    form = ProjectForm
    list_display = ("name", "stands", "client_name", "disclosure", "started_on", "position")
    list_filter = (StandsFilter, "disclosure", "featured")
    search_fields = ("draft_title", "slug", "draft_slug", "client_name")
    fieldsets = (
        ("Content", {"fields": ("title", "slug", "summary", "challenge", "approach", "outcome", "read_version")}),
        ("Client", {"fields": ("client_name", "disclosure", "client_consent_at", "testimonial")}),
        ("Media", {"fields": ("pictures", "files")}),
        ("Facts", {"fields": ("role", ("started_on", "ended_on"), "site_url", "repository_url", "metrics")}),
        ("Belongs to", {"fields": ("services", "technologies")}),
        ORDER,
        SEARCH_ENGINES,
    )

    readonly_fields = ("files",)

    @admin.display(description="Uploaded files")
    def files(self, obj: Project) -> SafeString | str:
        """What was uploaded for the project; a picture of the library can be made of what is ready."""
        if obj._state.adding:
            return NOTHING
        newest = uploads.files_of(target_kind="project", target_id=obj.pk)[:MOST_FILES]
        return as_links((reverse("admin:uploads_file_change", args=[one.pk]), one.name, _note(one)) for one in newest)

    @admin.display(description="Pictures")
    def pictures(self, obj: Project) -> str:
        """The live pictures, for those who may only look."""
        return ", ".join(str(one.media) for one in obj.gallery_images.select_related("media"))


def _note(file: Any) -> str:
    state: str = file.get_state_display()
    if file.state != State.READY:
        return state
    address = f"{reverse('admin:cms_mediaasset_add')}?{CHOSEN}={file.pk}"
    return format_html('{} · <a href="{}">Add to the library</a>', state, address)
