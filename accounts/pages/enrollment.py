"""Setting up the first second factor at the door: after an invitation, or after a right password."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from accounts import forms
from accounts.actions import admin_sessions, enrollment, second_factor, shown_enrollment
from accounts.errors import CodeInvalid
from accounts.models import User
from accounts.pages import cookies
from accounts.pages.frame import VISITOR, page, refused, to, wanted
from accounts.pages.setup import codes_page, enroll_page, enrollment_id
from common.clock import db_now
from common.errors import DomainError


@require_http_methods(["GET", "HEAD", "POST"])
@page
def enroll(request: HttpRequest) -> HttpResponse:
    """The QR code; with its code the factor is on, the codes are shown and the browser is signed in."""
    token = cookies.ENROLLMENT.read(request)
    if not token:
        return to("sign-in", next_page=wanted(request))
    try:
        user = enrollment.usable(token=token, now=db_now()).user
        if request.method != "POST":
            return _form(request, user)
        form = forms.AppCodeForm(request.POST)
        return _confirm(request, token, user, form) if form.is_valid() else _form(request, user, form)
    except DomainError as refusal:
        response = refused(request, refusal, {"eyebrow": "Second factor", "sign_in": True, "next": wanted(request)})
        cookies.ENROLLMENT.take_back(response)
        return response


def _confirm(request: HttpRequest, token: str, user: User, form: forms.AppCodeForm) -> HttpResponse:
    try:
        codes, proven = second_factor.confirm_at_door(
            token=token, enrollment_id=enrollment_id(request), code=form.cleaned_data["code"], by=VISITOR
        )
    except CodeInvalid as refusal:
        return _form(request, user, form, refusal)
    admin_sessions.enter(request=request, user=proven.user, amr=proven.amr)
    response = codes_page(request, codes, user=proven.user, onward=wanted(request) or reverse("admin:index"))
    cookies.ENROLLMENT.take_back(response)
    return response


def _form(
    request: HttpRequest, user: User, form: forms.AppCodeForm | None = None, error: DomainError | None = None
) -> HttpResponse:
    begun = shown_enrollment.begin_or_resume(user=user, shown=cookies.ENROLLING.read(request), by=VISITOR)
    context = {"eyebrow": "Second factor"}
    if settings.STAFF_TWO_FACTOR == "optional":
        context |= {"skip": reverse("accounts:sign-in"), "skip_label": "Not now: sign in without"}
    return enroll_page(request, begun, context, form=form, error=error)
