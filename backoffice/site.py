"""The staff's site: Django's admin with our menu, start page and sign-in."""

from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, URLResolver, path, reverse
from django.utils.translation import gettext_lazy as _
from django_otp.admin import OTPAdminSite

from accounts import selectors as accounts
from accounts.actions import admin_sessions, keys
from accounts.constants import MAY_VIEW_KEYS
from backoffice import sections, selectors
from common.clock import db_now

QUICK = (
    ("cms.add_post", "admin:cms_post_add", _("Write a post")),
    ("cms.add_project", "admin:cms_project_add", _("Add a project")),
    ("cms.add_mediaasset", "admin:cms_mediaasset_add", _("Upload an image")),
    ("accounts.invite_staff", "admin:accounts_invite_add", _("Invite a colleague")),
)
RIBBONS = {"local": _("Local mode"), "test": _("Test mode")}
WITHOUT_REAL_MONEY = {"twin", "test"}
KEYS = {"object_name": "SigningKeys", "name": _("Signing keys"), "add_url": None, "view_only": True}
CLOSED = {"password_change", "password_change_done"}


class StudioAdminSite(OTPAdminSite):  # type: ignore[misc]  # django-otp has no stubs
    """One instance, `django.contrib.admin.site`."""

    site_header = settings.STUDIO_NAME
    site_title = settings.STUDIO_NAME
    index_title = _("Start")

    def __init__(self, name: str = "admin") -> None:
        super().__init__(name)

    def has_permission(self, request: HttpRequest) -> bool:
        """Whether this browser may see the admin; what that takes is the contract of `admin_sessions.present`."""
        return admin_sessions.present(request=request) is not None

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """There is one door for people; this address only leads to it."""
        query = {REDIRECT_FIELD_NAME: request.GET.get(REDIRECT_FIELD_NAME) or reverse("admin:index")}
        return HttpResponseRedirect(f"{reverse('accounts:sign-in')}?{urlencode(query)}")

    def logout(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """End the browser's session, and say so at the door."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        admin_sessions.leave(request=request)
        return HttpResponseRedirect(reverse("accounts:signed-out"))

    def get_urls(self) -> list[URLPattern | URLResolver]:
        """Django's addresses without its password form: passwords are changed where the password rule is."""
        states = path("signing-keys/", self.admin_view(self.signing_keys), name="signing_keys")
        return [states, *(one for one in super().get_urls() if getattr(one, "name", None) not in CLOSED)]

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """What every page of the admin shows."""
        context: dict[str, Any] = super().each_context(request)
        context["ribbon"] = RIBBONS.get(settings.DJANGO_ENV, "")
        context["money_ribbon"] = _("No real money moves here") if settings.PAYMENTS_MODE in WITHOUT_REAL_MONEY else ""
        context["factor_banner"] = context["has_permission"] and not request.user.is_verified()  # type: ignore[union-attr]  # OTPMiddleware adds it
        return context

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[dict[str, Any]]:
        """The menu as sections."""
        apps = super().get_app_list(request, app_label)
        user: Any = request.user
        if user.has_perm(MAY_VIEW_KEYS):
            apps = [*apps, {"app_label": "accounts", "models": [KEYS | {"admin_url": reverse("admin:signing_keys")}]}]
        return sections.arrange(apps)

    def app_index(
        self, request: HttpRequest, app_label: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The menu has sections in place of apps, and all of them stand on the start page."""
        return HttpResponseRedirect(reverse("admin:index"))

    def signing_keys(self, request: HttpRequest) -> HttpResponse:
        """How the keys of access tokens stand. It shows no half of a key, and changes nothing."""
        user: Any = request.user
        if not user.has_perm(MAY_VIEW_KEYS):
            raise PermissionDenied
        context = {
            **self.each_context(request),
            "title": KEYS["name"],
            "keys": accounts.key_states(now=db_now()),
            "override": keys.key_of_the_environment(),
            "shared_secret": keys.shared_secret(),
        }
        return TemplateResponse(request, "admin/signing_keys.html", context)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The start page: what needs you, what you can begin, how things are."""
        user: Any = request.user
        context = {
            "needs_you": selectors.needs_you(user),
            "health": selectors.health(user),
            "activity": selectors.activity(user),
            "quick": [{"url": reverse(name), "label": label} for needed, name, label in QUICK if user.has_perm(needed)],
        }
        response: HttpResponse = super().index(request, context | (extra_context or {}))
        return response
