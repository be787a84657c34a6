"""Files in the back office: looked at, never edited."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.defaultfilters import filesizeformat
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.timezone import localtime

from common.actor import actor_of
from common.admin import ObjectAction, ObjectActionsMixin, ReadOnlyAdmin
from common.admin.shown import NOTHING
from uploads import selectors
from uploads.actions import processing, reads
from uploads.constants import State
from uploads.models import File


@admin.register(File)
class FileAdmin(ObjectActionsMixin, ReadOnlyAdmin):
    """List and page of a file, with its preview, its state and why."""

    list_display = ("preview", "name", "purpose", "state", "reason", "size_shown", "created_at")
    list_display_links = ("preview", "name")
    list_filter = ("state", "purpose", "owner_kind", "scan_verdict")
    search_fields = ("name", "=id", "=observed_sha256", "=target_id", "=owner_id")
    date_hierarchy = "created_at"
    list_per_page = 50
    object_actions = (
        ObjectAction(
            name="requeue",
            label="Process again",
            permission="uploads.change_file",
            method="requeue",
            when="is_failed",
            explain="Puts the file back into the queue, with all attempts before it.",
        ),
    )
    readonly_fields = ("preview_large", "size_shown", "dimensions", "public_address")
    fieldsets = (
        (None, {"fields": ("preview_large", "name", "state", "reason", "purpose")}),
        ("What arrived", {"fields": ("observed_type", "size_shown", "dimensions", "observed_sha256")}),
        ("Who and for what", {"fields": ("owner_kind", "owner_id", "target_kind", "target_id")}),
        ("Virus scan", {"fields": ("scan_verdict", "scan_engine", "scanned_at")}),
        ("Times", {"fields": ("created_at", "expires_at", "confirmed_at", "deleted_at")}),
        (
            "Where it is kept",
            {"classes": ("collapse",), "fields": ("public_address", "clean_key", "quarantine_key", "etag", "version")},
        ),
        (
            "What was announced",
            {"classes": ("collapse",), "fields": ("declared_type", "declared_size", "declared_sha256")},
        ),
    )

    @admin.display(description="")
    def preview(self, obj: File) -> SafeString | str:
        """The smallest thumbnail of a public file; opening a private one is written down, so a list does not."""
        return NOTHING if selectors.variants_are_private(obj) else _picture(obj, "file-preview")

    @admin.display(description="Preview")
    def preview_large(self, obj: File) -> SafeString | str:
        """The smallest thumbnail, at its own size."""
        return _picture(obj, "file-preview-large")

    @admin.display(description="Size", ordering="observed_size")
    def size_shown(self, obj: File) -> str:
        """Bytes in words."""
        return NOTHING if obj.observed_size is None else filesizeformat(obj.observed_size)

    @admin.display(description="Dimensions")
    def dimensions(self, obj: File) -> str:
        """Width and height in pixels."""
        return f"{obj.width} x {obj.height} px" if obj.width else NOTHING

    @admin.display(description="Public address")
    def public_address(self, obj: File) -> SafeString | str:
        """Where everybody can see it."""
        url = selectors.public_url(obj)
        return format_html('<a href="{}">{}</a>', url, url) if url else NOTHING

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Write down that a private file's preview was opened."""
        if kwargs.get("obj"):
            reads.preview(file=kwargs["obj"], by=actor_of(request))
        return super().render_change_form(request, context, *args, **kwargs)

    def is_failed(self, obj: File) -> bool:
        """Only failed files can be processed again."""
        return obj.state == State.FAILED

    def requeue(self, request: HttpRequest, obj: File) -> str:
        """Put the file back into the queue."""
        processing.requeue(file_id=obj.pk, by=actor_of(request))
        return f"{obj.name} was put back into the queue at {localtime():%H:%M}."


def _picture(file: File, css_class: str) -> SafeString | str:
    pictures = selectors.variants(file)
    if not pictures:
        return NOTHING
    first = pictures[0]
    return format_html(
        '<img src="{}" alt="" width="{}" height="{}" class="{}" loading="lazy">',
        first.url,
        first.width,
        first.height,
        css_class,
    )
