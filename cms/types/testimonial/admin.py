"""Testimonials in the back office."""

from django.contrib import admin

from cms.admin.content import ORDER, SEARCH_ENGINES, ContentAdmin, StandsFilter
from cms.admin.forms import DraftForm
from cms.models import Testimonial


@admin.register(Testimonial)
class TestimonialAdmin(ContentAdmin):
    """What clients say."""

    form = DraftForm
    list_display = ("name", "stands", "company", "rating", "verified", "position")
    list_filter = (StandsFilter, "rating", "verified", "featured")
    search_fields = ("draft_title", "slug", "draft_slug", "company", "quote")
    prepopulated_fields = {"slug": ("person",)}
    fieldsets = (
        ("Content", {"fields": ("person", "slug", "quote", ("role", "company"), "rating", "project", "read_version")}),
        ("Consent", {"fields": ("consent_at", "verified", "source_url")}),
        ("Media", {"fields": ("avatar",)}),
        ORDER,
        SEARCH_ENGINES,
    )
