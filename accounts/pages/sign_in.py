"""Signing in: the password, then a code where there is a second factor."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from accounts import forms, selectors
from accounts.actions import admin_sessions, challenges, sign_in
from accounts.actions.challenges import ChallengeIssued
from accounts.actions.enrollment import EnrollmentNeeded
from accounts.constants import AMR_BACKUP_CODE, AMR_PASSWORD, BACKUP_CODES_LOW
from accounts.errors import (
    ChallengeExhausted,
    ChallengeInvalid,
    CodeInvalid,
    EnrollmentWindowClosed,
    InvalidCredentials,
)
from accounts.models import User
from accounts.pages import cookies
from accounts.pages.frame import VISITOR, form_page, onward, page, refused, show, to, wanted
from common.errors import DomainError


@require_http_methods(["GET", "HEAD", "POST"])
@page
def password(request: HttpRequest) -> HttpResponse:
    """Address and password; the answer to a wrong one says nothing about the account."""
    context = {"next": wanted(request)}
    if request.method != "POST":
        if admin_sessions.present(request=request) is not None:
            return onward(request)
        return form_page(request, "sign_in", forms.SignInForm(), context)
    form = forms.SignInForm(request.POST)
    if not form.is_valid():
        return form_page(request, "sign_in", form, context)
    try:
        step = sign_in.at_door(**form.cleaned_data, by=VISITOR)
        return _next_step(request, step)
    except EnrollmentWindowClosed as refusal:
        return refused(request, refusal)
    except InvalidCredentials:
        form.add_error(None, "E-mail and password do not fit each other, or the account is closed.")
        return form_page(request, "sign_in", form, context)
    except DomainError as refusal:
        return form_page(request, "sign_in", form, context, error=refusal)


@require_http_methods(["GET", "HEAD", "POST"])
@page
def code(request: HttpRequest) -> HttpResponse:
    """The second step, with the app's code or a backup code."""
    token, context = cookies.CHALLENGE.read(request), {"next": wanted(request)}
    if not token:
        return to("sign-in", next_page=wanted(request))
    form = forms.CodeForm(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return form_page(request, "code", form, context)
    try:
        proven = challenges.prove(token=token, code=form.cleaned_data["code"], by=VISITOR)
        admin_sessions.enter(request=request, user=proven.user, amr=proven.amr)
    except (ChallengeInvalid, ChallengeExhausted, InvalidCredentials) as refusal:
        return _start_again(request, refusal)
    except CodeInvalid as refusal:
        form.add_error("code", f"That code is not right, or was used before. Tries left: {_tries(refusal)}.")
        return form_page(request, "code", form, context)
    except DomainError as refusal:
        return form_page(request, "code", form, context, error=refusal)
    if AMR_BACKUP_CODE in proven.amr:
        _say_what_is_left(request, proven.user)
    response = onward(request)
    cookies.CHALLENGE.take_back(response)
    return response


@require_GET
@page
def signed_out(request: HttpRequest) -> HttpResponse:
    """What someone sees who has just left."""
    return show(request, "signed_out")


def _next_step(request: HttpRequest, step: User | ChallengeIssued | EnrollmentNeeded) -> HttpResponse:
    if isinstance(step, ChallengeIssued):
        response = to("code", next_page=wanted(request))
        cookies.CHALLENGE.give(response, step.token)
        return response
    if isinstance(step, EnrollmentNeeded):
        response = to("enroll", next_page=wanted(request))
        cookies.ENROLLMENT.give(response, step.token)
        return response
    admin_sessions.enter(request=request, user=step, amr=[AMR_PASSWORD])
    return onward(request)


def _start_again(request: HttpRequest, refusal: DomainError) -> HttpResponse:
    response = refused(request, refusal, {"sign_in": True, "next": wanted(request)})
    cookies.CHALLENGE.take_back(response)
    return response


def _tries(refusal: CodeInvalid) -> int:
    left: int = refusal.members["attempts_left"]
    return left


def _say_what_is_left(request: HttpRequest, user: User) -> None:
    left = selectors.backup_codes_remaining(user)
    words = f"You signed in with a backup code; {left} are left."
    if left <= BACKUP_CODES_LOW:
        words += f" Make new ones under “Your account” ({reverse('accounts:account')})."
    messages.warning(request, words)
