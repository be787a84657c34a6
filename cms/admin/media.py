"""Pictures: uploading, and what is said about them."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from cms import output
from cms.actions import media
from cms.models import MediaAsset
from common.admin import ActionAdmin
from common.errors import DomainError, NotFound
from uploads import actions as uploads
from uploads import selectors as files
from uploads.constants import IMAGE_TYPES, RULES, Purpose

STORED = "_studio_stored_file"
CHOSEN = "file"
"""The parameter of the address that names a file which was uploaded before."""
THUMBNAIL_PIXELS = 96


class PictureForm(forms.ModelForm):  # type: ignore[type-arg]  # generic only in the stubs
    """Words of a picture that exists."""

    class Meta:
        model = MediaAsset
        fields = ("alt", "decorative", "caption", "credit", "licence", "licence_until", "focal_x", "focal_y", "folder")


class NewPictureForm(PictureForm):
    """The same with the file."""

    upload = forms.FileField(
        label="Picture", help_text="JPEG, PNG or WebP.", widget=forms.FileInput(attrs={"accept": ",".join(IMAGE_TYPES)})
    )

    def clean_upload(self) -> Any:
        """Refuse what is too large before anything reads it."""
        upload: Any = self.cleaned_data["upload"]
        if (upload.size or 0) > RULES[Purpose.IMAGE].max_bytes:
            raise ValidationError("The file is too large.", code="too_large")
        return upload


@admin.register(MediaAsset)
class MediaAssetAdmin(ActionAdmin):
    """The library of pictures; its list reads no file, for a picture keeps the addresses of its sizes."""

    list_display = ("thumbnail", "alt", "folder", "credit", "created_at")
    list_display_links = ("thumbnail", "alt")
    list_filter = ("folder", "decorative")
    search_fields = ("alt", "caption", "credit", "folder", "file__name")
    list_per_page = 40
    readonly_fields = ("thumbnail",)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        """Ask for the file only while the picture is new, and no file was chosen elsewhere."""
        own_form = PictureForm if obj or CHOSEN in request.GET else NewPictureForm
        return super().get_form(request, obj, change, **{"form": own_form, **kwargs})

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Show the picture, or the field for its file, above the words."""
        first = ("thumbnail",) if obj else () if CHOSEN in request.GET else ("upload",)
        return (
            (None, {"fields": (*first, "alt", "decorative")}),
            ("More words", {"fields": ("caption", "credit", "licence", "licence_until", "folder")}),
            ("What must stay in view", {"classes": ("collapse",), "fields": ("focal_x", "focal_y")}),
        )

    @admin.display(description="Picture")
    def thumbnail(self, obj: MediaAsset) -> SafeString | str:
        """The smallest variant."""
        about = obj.image if obj.pk and obj.image else None
        if not about:
            return ""
        shown = output.image({"id": obj.pk, "alt": obj.alt, "x": obj.focal_x, "y": obj.focal_y, "image": about}) or {}
        smallest = min(shown["variants"], key=lambda one: one["width"], default={"url": shown["src"]})
        return format_html('<img src="{}" alt="{}" width="{}">', smallest["url"], obj.alt, THUMBNAIL_PIXELS)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Store the file before Django opens its transaction: a slow store must not hold a row."""
        if request.method == "POST" and object_id is None and self.has_add_permission(request):
            self._store(request)
        return super().changeform_view(request, object_id, form_url, extra_context)

    def _store(self, request: HttpRequest) -> None:
        """Keep on the request the file that the picture will stand on, or why there is none."""
        if CHOSEN in request.GET:
            setattr(request, STORED, self._chosen(request))
            return
        form = NewPictureForm(request.POST, request.FILES)
        if not form.is_valid():
            return
        upload: Any = form.cleaned_data["upload"]
        try:
            stored: Any = uploads.ingest(
                content=upload.read(),
                filename=upload.name or "picture",
                content_type=(upload.content_type or "").partition(";")[0],
                purpose=Purpose.IMAGE,
                by=self.actor(request),
            )
        except DomainError as refusal:
            stored = refusal
        setattr(request, STORED, stored)

    def _chosen(self, request: HttpRequest) -> Any:
        try:
            file_id = UUID(request.GET[CHOSEN])
            return files.readable_file(file_id=file_id, actor=self.actor(request))
        except ValueError:
            return NotFound("There is no such file.")
        except DomainError as refusal:
            return refusal

    def perform_save(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> MediaAsset:
        """Make the picture of the stored file, or change its words."""
        if change:
            return media.update(asset=obj, values=form.cleaned_data, by=self.actor(request))
        stored = getattr(request, STORED)
        if isinstance(stored, DomainError):
            raise stored
        words = {name: value for name, value in form.cleaned_data.items() if name in media.WRITABLE}
        return media.create(file=stored, by=self.actor(request), **words)
