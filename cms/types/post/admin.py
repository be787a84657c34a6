"""Posts in the back office."""

from django.contrib import admin

from cms.admin.content import ORDER, SEARCH_ENGINES, ContentAdmin, StandsFilter
from cms.admin.forms import DraftForm, RowsField
from cms.models import Author, Post


class PostForm(DraftForm):
    """A post's draft."""

    ROWS = {"signed_by": "authors", "see_also": "related"}

    signed_by = RowsField(Author, label="Authors")
    see_also = RowsField(Post, label="Related posts", help_text="None chosen: posts with the same tags are shown.")


@admin.register(Post)
class PostAdmin(ContentAdmin):
    """The blog."""

    form = PostForm
    list_display = ("name", "stands", "category", "pinned", "published_at", "edited_at")
    list_filter = (StandsFilter, "category", "pinned", "featured")
    list_select_related = ("category",)
    ordering = ("-edited_at",)
    fieldsets = (
        ("Content", {"fields": ("title", "slug", "excerpt", "body", "read_version")}),
        ("Media", {"fields": ("cover",)}),
        ("Who and where", {"fields": ("signed_by", "category", "tags", "see_also", "pinned")}),
        ORDER,
        SEARCH_ENGINES,
    )

    @admin.display(description="Authors")
    def signed_by(self, obj: Post) -> str:
        """The live authors, for those who may only look."""
        return ", ".join(str(author) for author in obj.authors.order_by("post_authors__position"))

    @admin.display(description="Related posts")
    def see_also(self, obj: Post) -> str:
        """The live related posts, for those who may only look."""
        return ", ".join(str(one.related) for one in obj.related_posts.select_related("related"))
