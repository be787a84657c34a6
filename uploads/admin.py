"""Files in the back office: looked at, processed again, downloaded and deleted, never edited."""

from typing import Any

from django import forms
from django.apps import apps
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.defaultfilters import filesizeformat
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timezone import localtime

from accounts import selectors as accounts
from common.actor import actor_of
from common.admin import ObjectAction, ObjectActionsMixin, ReadOnlyAdmin
from common.admin.shown import NOTHING
from common.errors import DomainError
from jobs import selectors as jobs
from uploads import ports, rights, selectors
from uploads.actions import deletions, processing, reads
from uploads.constants import PRIVATE_CACHE, PROCESS_JOB, REASONS, THUMBNAIL_TYPE, TRANSITIONS, OwnerKind, State
from uploads.models import File

DOWNLOAD = ObjectAction(
    name="download",
    label="Download",
    permission="uploads.view_file",
    explain="What is served, under its name. Opening it is written down.",
)
VIEW_COLLEAGUES = "accounts.view_user"
NOT_THROUGH = "The last attempt did not get through, as the virus scanner or the store was silent or the machine busy"
LIST_CHARACTERS = 28
LIST_PIXELS, PAGE_PIXELS = 56, 280  # the second fits a phone's card


@admin.register(File)
class FileAdmin(ObjectActionsMixin, ReadOnlyAdmin):
    """List and page of a file: its preview, its state and why, and what was announced beside what was found."""

    list_display = (
        "name_shown",
        "state",
        "preview",
        "reason",
        "scan_verdict",
        "purpose",
        "size_shown",
        "created_at",
    )
    list_display_links = ("name_shown", "preview")
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
        ObjectAction(
            name="delete",
            label="Delete",
            permission="uploads.delete_file",
            method="delete_file",
            when="is_deletable",
            danger=True,
            form=forms.Form,
            explain="Nobody can read the file from then on, and what is kept of it is removed. This cannot be undone.",
        ),
    )
    readonly_fields = (
        "preview_large",
        "reason_shown",
        "type_compared",
        "size_compared",
        "sha256_compared",
        "dimensions",
        "served_size",
        "public_address",
        "owner_shown",
        "target_shown",
        "thumbnail_keys",
    )
    fieldsets = (
        (None, {"fields": ("preview_large", "name", "state", "reason_shown", "purpose")}),
        (
            "What arrived",
            {
                "fields": ("type_compared", "size_compared", "sha256_compared"),
                "description": "What was found in the bytes, beside what was announced before they came.",
            },
        ),
        ("Virus scan", {"fields": ("scan_verdict", "scan_engine", "scanned_at")}),
        ("What is served", {"fields": ("dimensions", "served_size", "public_address")}),
        ("Who and for what", {"fields": ("owner_shown", "target_shown")}),
        ("Times", {"fields": ("created_at", "expires_at", "confirmed_at", "deleted_at", "remove_after")}),
        (
            "Where it is kept",
            {
                "classes": ("collapse",),
                "fields": ("clean_key", "thumbnail_keys", "quarantine_key", "etag", "version"),
            },
        ),
    )

    @admin.display(description="Name", ordering="name")
    def name_shown(self, obj: File) -> str:
        """As much of the name as leaves room for the rest."""
        return Truncator(obj.name).chars(LIST_CHARACTERS)

    @admin.display(description="")
    def preview(self, obj: File) -> SafeString | str:
        """The smallest thumbnail of a public file; opening a private one is written down, so a list does not."""
        return NOTHING if selectors.variants_are_private(obj) else _public_picture(obj, LIST_PIXELS)

    @admin.display(description="Preview")
    def preview_large(self, obj: File) -> SafeString | str:
        """The smallest thumbnail, at its own size; a private one by an address of this page's own origin."""
        if not selectors.variants_are_private(obj):
            return _public_picture(obj, PAGE_PIXELS)
        if obj.state != State.READY or not getattr(obj, "is_open_to_reader", False):
            return NOTHING
        url, smallest = reverse("admin:uploads_file_preview", args=[obj.pk]), obj.thumbnails[0]
        return _picture(url, smallest["width"], smallest["height"], PAGE_PIXELS)

    @admin.display(description="Reason", ordering="reason")
    def reason_shown(self, obj: File) -> str:
        """Why it was refused or failed, in words, with the code that the API shows; or that it is tried again."""
        if obj.state == State.PROCESSING:
            due = jobs.waiting_until(kind=PROCESS_JOB, keys=[str(obj.pk)]).get(str(obj.pk))
            return f"{NOT_THROUGH}. It is tried again at {localtime(due):%H:%M}." if due else NOTHING
        return f"{REASONS[obj.reason]} ({obj.reason})" if obj.reason in REASONS else obj.reason or NOTHING

    @admin.display(description="Type")
    def type_compared(self, obj: File) -> str:
        """Found and announced."""
        return _compared(obj.observed_type, obj.declared_type)

    @admin.display(description="Size")
    def size_compared(self, obj: File) -> str:
        """Found and announced, in bytes."""
        found = "" if obj.observed_size is None else f"{obj.observed_size:,} bytes"
        return _compared(found, f"{obj.declared_size:,} bytes")

    @admin.display(description="SHA-256")
    def sha256_compared(self, obj: File) -> str:
        """Found and announced."""
        return _compared(obj.observed_sha256, obj.declared_sha256)

    @admin.display(description="Size", ordering="observed_size")
    def size_shown(self, obj: File) -> str:
        """Bytes in words."""
        return NOTHING if obj.observed_size is None else filesizeformat(obj.observed_size)

    @admin.display(description="Size")
    def served_size(self, obj: File) -> str:
        """Bytes of the validated file, without its thumbnails."""
        return NOTHING if obj.clean_size is None else filesizeformat(obj.clean_size)

    @admin.display(description="Dimensions")
    def dimensions(self, obj: File) -> str:
        """Width and height in pixels."""
        return f"{obj.width} x {obj.height} px" if obj.width else NOTHING

    @admin.display(description="Public address")
    def public_address(self, obj: File) -> SafeString | str:
        """Where everybody can see it; an address that only lives for a minute is never shown."""
        url = selectors.public_url(obj)
        return format_html('<a href="{}">{}</a>', url, url) if url else NOTHING

    @admin.display(description="Brought by")
    def owner_shown(self, obj: File) -> SafeString | str:
        """Who had the file signed, in words; a colleague's page is linked for whoever may open it."""
        if obj.owner_kind == OwnerKind.STAFF:
            return _colleague(obj)
        if obj.owner_kind == OwnerKind.CUSTOMER:
            own = obj.owner_id == str(obj.target_id)
            return f"The customer of this {obj.target_kind}" if own else f"A customer ({obj.owner_id})"
        return f"This back end ({obj.owner_id})" if obj.owner_kind == OwnerKind.SYSTEM else "The operator, at the shell"

    @admin.display(description="Belongs to")
    def target_shown(self, obj: File) -> SafeString | str:
        """The thing that the file was attached to, by its name and with a link, for whoever may read its files."""
        if not obj.target_kind:
            return NOTHING
        row = _target_row(obj) if getattr(obj, "is_open_to_reader", False) else None
        word = obj.target_kind.capitalize()
        if row is None:
            return f"{word} {obj.target_id}, gone or not open to you"
        return _link(row, f"{word} {row}")

    @admin.display(description="Keys of the thumbnails")
    def thumbnail_keys(self, obj: File) -> str:
        """Where the thumbnails lie, beside the clean key."""
        return ", ".join(one["key"] for one in obj.thumbnails) or NOTHING

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """Without the end of the signature once it has been used."""
        shown = super().get_fieldsets(request, obj)
        if obj is None or obj.state == State.PENDING:
            return shown
        return [
            (title, {**options, "fields": [name for name in options["fields"] if name != "expires_at"]})
            for title, options in shown
        ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[File]:
        """All files but those of what this colleague may not read: their names and owners tell of it."""
        closed = ports.kinds_closed_to(rights.held_by(actor_of(request)))
        return super().get_queryset(request).exclude(target_kind__in=closed)

    def get_urls(self) -> list[URLPattern]:
        """The page's own addresses of the bytes."""
        views = ((self.preview_view, "preview"), (self.download_view, "download"))
        own = [
            path(f"<uuid:object_id>/{name}/", self.admin_site.admin_view(view), name=f"uploads_file_{name}")
            for view, name in views
        ]
        return own + super().get_urls()

    def render_change_form(self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the way to the bytes, for whoever may read what the file belongs to.

        It is a link and no form, since it leads to the store, where the page's policy lets no form go.
        """
        obj = kwargs.get("obj")
        if obj:
            by = actor_of(request)
            held = rights.held_by(by)
            obj.is_open_to_reader = rights.may_read(obj, by, held)
            obj.shows_colleagues = VIEW_COLLEAGUES in held
        response = super().render_change_form(request, context, *args, **kwargs)
        if obj and obj.state == State.READY and obj.is_open_to_reader:
            url = reverse("admin:uploads_file_download", args=[obj.pk])
            context["object_actions"].insert(0, {"action": DOWNLOAD, "url": url, "is_link": True})
        return response

    def preview_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """The smallest thumbnail of a private file, through this origin, for whoever may read the file."""
        try:
            content = reads.thumbnail(file_id=object_id, by=actor_of(request))
        except DomainError as refusal:
            raise Http404 from refusal
        return HttpResponse(content, content_type=THUMBNAIL_TYPE, headers={"Cache-Control": PRIVATE_CACHE})

    def download_view(self, request: HttpRequest, object_id: Any) -> HttpResponse:
        """To the file, by an address that lives for a minute."""
        try:
            url = reads.download(file_id=object_id, by=actor_of(request))
        except DomainError as refusal:
            self.message_user(request, refusal.in_one_line, level="error")
            return HttpResponseRedirect(reverse("admin:uploads_file_change", args=[object_id]))
        return HttpResponseRedirect(url, headers={"Cache-Control": PRIVATE_CACHE})

    def is_failed(self, obj: File) -> bool:
        """Only failed files can be processed again."""
        return obj.state == State.FAILED

    def is_deletable(self, obj: File) -> bool:
        """What the table of moves says."""
        return State.DELETING in TRANSITIONS[obj.state]

    def requeue(self, request: HttpRequest, obj: File) -> str:
        """Put the file back into the queue."""
        processing.requeue(file_id=obj.pk, by=actor_of(request))
        return f"{obj.name} was put back into the queue at {localtime():%H:%M}."

    def delete_file(self, request: HttpRequest, obj: File, values: dict[str, Any]) -> str:
        """Withdraw the file and queue the removal of its objects."""
        deletions.delete(file_id=obj.pk, by=actor_of(request))
        return f"{obj.name} was deleted."


def _colleague(file: File) -> SafeString | str:
    try:
        user = accounts.user_by_id(file.owner_id)
    except ValidationError:  # a pseudonym
        user = None
    if user is None:
        return f"A colleague who is no longer known ({file.owner_id})"
    return _link(user, str(user)) if getattr(file, "shows_colleagues", False) else str(user)


def _target_row(file: File) -> Model | None:
    target = ports.target_kind(file.target_kind)
    if target is None or not target.model:
        return None
    model: type[Model] = apps.get_model(target.model)
    return model._default_manager.filter(pk=file.target_id).first()


def _link(row: Model, text: str) -> SafeString:
    """To the row's page in the back office."""
    page = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return format_html('<a href="{}">{}</a>', reverse(page, args=[row.pk]), text)


def _compared(found: str, announced: str) -> str:
    if not found:
        return f"announced as {announced}; not seen yet"
    return f"{found}, as announced" if found == announced else f"{found}; announced was {announced}"


def _public_picture(file: File, most: int) -> SafeString | str:
    pictures = selectors.variants(file)
    return _picture(pictures[0].url, pictures[0].width, pictures[0].height, most) if pictures else NOTHING


def _picture(url: str, width: int, height: int, most: int) -> SafeString:
    """The picture within a square of so many pixels, never enlarged; its place is kept while it loads."""
    scale = min(1.0, most / max(width, height))
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return format_html('<img src="{}" alt="Preview" width="{}" height="{}" loading="lazy">', url, *size)
