"""The site settings in the back office: one page, no list."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse

from cms.admin.content import PublishableAdmin
from cms.admin.forms import DraftForm
from cms.models import SiteSettings

CHANGE = "cms.change_sitesettings"


@admin.register(SiteSettings)
class SiteSettingsAdmin(PublishableAdmin):
    """What holds for the whole site."""

    form = DraftForm
    fieldsets = (
        ("Identity", {"fields": ("name", "legal_name", "tagline", "logo", "icon", "read_version")}),
        ("Contact", {"fields": ("email", "phone", "address", "map_url", "opening_hours", "social")}),
        ("Menus", {"fields": ("navigation_header", "navigation_footer")}),
        (
            "Announcement",
            {
                "fields": (
                    "announcement_text",
                    "announcement_url",
                    ("announcement_starts_at", "announcement_ends_at"),
                ),
            },
        ),
        ("Search engines", {"fields": ("seo_title_template", "seo_description", "seo_image")}),
        ("Counting visits", {"fields": ("analytics_cookieless", "analytics_do_not_track")}),
        ("Legal", {"fields": ("privacy_url", "terms_url", "imprint", "privacy_text", "terms_text")}),
    )

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Those who may change the settings, until there is a row."""
        user: Any = request.user
        return bool(user.has_perm(CHANGE)) and not SiteSettings.objects.exists()

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Go straight to the one page."""
        row = SiteSettings.objects.first()
        if row is None:
            return HttpResponseRedirect(reverse("admin:cms_sitesettings_add"))
        return HttpResponseRedirect(reverse("admin:cms_sitesettings_change", args=[row.pk]))
