"""Accepting an invitation in a browser, without a separate front end and without JavaScript.

The mailed link carries the token in its path; the first visit moves it into a cookie that only these pages get, so that
it stands neither in the address bar nor in a referrer while someone types a password.
"""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts import forms
from accounts.actions import acceptance
from accounts.errors import InviteInvalid
from accounts.models import Invite
from common.actor import Actor
from common.errors import DomainError, ValidationFailed

COOKIE_PATH = "/auth"
COOKIE_SECONDS = 3600
VISITOR = Actor.system("visitor")


def cookie_name() -> str:
    """The cookie's name; the prefix makes browsers insist on `Secure`."""
    return "__Secure-invite" if settings.HTTPS else "invite"


@never_cache
@require_GET
def open_invite(request: HttpRequest, token: str) -> HttpResponse:
    """Take the token out of the address."""
    response = HttpResponseRedirect(reverse("accounts:accept-invite"), status=303)
    response.set_cookie(
        cookie_name(),
        token,
        max_age=COOKIE_SECONDS,
        path=COOKIE_PATH,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )
    return _private(response)


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def accept_invite(request: HttpRequest) -> HttpResponse:
    """The form, and what becomes of it."""
    token = request.COOKIES.get(cookie_name(), "")
    try:
        invite = acceptance.inspect(token=token) if request.method != "POST" else acceptance.usable(token=token)
    except DomainError as refusal:
        return _refused(request, refusal)
    if request.method != "POST":
        names = {"first_name": invite.first_name, "last_name": invite.last_name}
        return _form(request, invite, forms.AcceptInviteForm(initial=names))
    form = forms.AcceptInviteForm(request.POST)
    if not form.is_valid():
        return _form(request, invite, form)
    return _accept(request, invite, token, form)


@never_cache
@require_GET
def invite_accepted(request: HttpRequest) -> HttpResponse:
    """What to do next."""
    required = settings.STAFF_TWO_FACTOR == "required"
    return _private(render(request, "pages/auth/accepted.html", {"two_factor_required": required, "noindex": True}))


def _accept(request: HttpRequest, invite: Invite, token: str, form: forms.AcceptInviteForm) -> HttpResponse:
    values = form.cleaned_data
    try:
        acceptance.accept(
            token=token,
            password=values["password"],
            first_name=values["first_name"],
            last_name=values["last_name"],
            by=VISITOR,
        )
    except ValidationFailed as refusal:
        for fault in refusal.errors:
            form.add_error("password", fault.detail)
        return _form(request, invite, form)
    except DomainError as refusal:
        return _refused(request, refusal)
    response = HttpResponseRedirect(reverse("accounts:invite-accepted"), status=303)
    response.delete_cookie(cookie_name(), path=COOKIE_PATH, samesite="Lax")
    return _private(response)


def _form(request: HttpRequest, invite: Invite, form: forms.AcceptInviteForm) -> HttpResponse:
    context = {"form": form, "invite": invite, "inviter": invite.invited_by, "noindex": True}
    return _private(render(request, "pages/auth/accept.html", context, status=400 if form.errors else 200))


def _refused(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    """The reason in words; a link that is gone is no use in the cookie either."""
    context = {"refusal": refusal, "about": type(refusal).about, "noindex": True}
    response = render(request, "pages/auth/refused.html", context, status=refusal.status)
    for name, value in refusal.headers.items():
        response[name] = value
    if isinstance(refusal, InviteInvalid):
        response.delete_cookie(cookie_name(), path=COOKIE_PATH, samesite="Lax")
    return _private(response)


def _private(response: HttpResponse) -> HttpResponse:
    response["Referrer-Policy"] = "same-origin"  # with no-referrer a browser posts the form with Origin null
    return response
