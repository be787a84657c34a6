"""One's own second factor: set up, move to another phone, new backup codes, switch off. All after a confirmation."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts import forms, selectors
from accounts.actions import admin_sessions, backup_codes, second_factor, shown_enrollment
from accounts.constants import AMR_ONE_TIME_CODE
from accounts.errors import CodeInvalid, TwoFactorRequiredByPolicy
from accounts.models import User
from accounts.pages import cookies
from accounts.pages.frame import confirmed, here, refused, show, to
from accounts.pages.setup import codes_page, enroll_page, enrollment_id
from common.actor import actor_of
from common.errors import DomainError


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed
def enroll(request: HttpRequest) -> HttpResponse:
    """A first app, or another one in place of the present."""
    user = here(request).session.user
    form = forms.AppCodeForm(request.POST if request.method == "POST" else None)
    try:
        return _confirm(request, user, form) if form.is_valid() else _form(request, user, form)
    except DomainError as refusal:
        return _refused(request, refusal)


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed
def new_codes(request: HttpRequest) -> HttpResponse:
    """Ten new backup codes; the confirmation must have been by the app, a backup code is not enough."""
    session = here(request).session
    if not selectors.has_second_factor(session.user):
        return to("account")
    if AMR_ONE_TIME_CODE not in session.reauth_amr:
        return to("confirm", next_page=request.path, app_only="1")
    if request.method != "POST":
        context = {
            "heading": "Make new backup codes?",
            "about": "You get ten new ones. Those of before stop working.",
            "button": "Make new codes",
        }
        return show(request, "ask", context)
    try:
        shown = backup_codes.regenerate(user=session.user, by=actor_of(request))
    except DomainError as refusal:
        return _refused(request, refusal)
    return codes_page(request, shown, user=session.user, onward=reverse("accounts:account"))


@require_http_methods(["GET", "HEAD", "POST"])
@confirmed
def disable(request: HttpRequest) -> HttpResponse:
    """Go back to the password alone, where the policy leaves that to people."""
    if settings.STAFF_TWO_FACTOR == "required":
        return _refused(request, TwoFactorRequiredByPolicy())
    if request.method != "POST":
        context = {
            "heading": "Switch the second factor off?",
            "about": "Your password alone will open your account. Your other sessions end.",
            "button": "Switch it off",
            "danger": True,
        }
        return show(request, "ask", context)
    session = here(request).session
    try:
        second_factor.disable(user=session.user, by=actor_of(request), session=session)
    except DomainError as refusal:
        return _refused(request, refusal)
    admin_sessions.factor_changed(request=request)
    messages.success(request, "Your second factor is off.")
    return to("account")


def _confirm(request: HttpRequest, user: User, form: forms.AppCodeForm) -> HttpResponse:
    try:
        codes = second_factor.confirm(
            user=user,
            enrollment_id=enrollment_id(request),
            code=form.cleaned_data["code"],
            by=actor_of(request),
            session=here(request).session,
        )
    except CodeInvalid as refusal:
        return _form(request, user, form, refusal)
    admin_sessions.factor_changed(request=request)
    return codes_page(request, codes, user=user, onward=reverse("accounts:account"))


def _form(request: HttpRequest, user: User, form: forms.AppCodeForm, error: DomainError | None = None) -> HttpResponse:
    begun = shown_enrollment.begin_or_resume(user=user, shown=cookies.ENROLLING.read(request), by=actor_of(request))
    context = {
        "eyebrow": "Your account",
        "replaces": selectors.has_second_factor(user),
        "skip": reverse("accounts:account"),
        "skip_label": "Back",
    }
    return enroll_page(request, begun, context, form=form, error=error)


def _refused(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    return refused(request, refusal, {"eyebrow": "Your account", "account": True})
