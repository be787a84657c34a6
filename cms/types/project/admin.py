"""Projects in the back office."""

from django.contrib import admin

from cms.admin.content import ORDER, SEARCH_ENGINES, ContentAdmin, StandsFilter
from cms.admin.forms import DraftForm, gallery_field
from cms.models import Project


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
        ("Media", {"fields": ("pictures",)}),
        ("Facts", {"fields": ("role", ("started_on", "ended_on"), "site_url", "repository_url", "metrics")}),
        ("Belongs to", {"fields": ("services", "technologies")}),
        ORDER,
        SEARCH_ENGINES,
    )

    @admin.display(description="Pictures")
    def pictures(self, obj: Project) -> str:
        """The live pictures, for those who may only look."""
        return ", ".join(str(one.media) for one in obj.gallery_images.select_related("media"))
