"""Setting up an authenticator app: the same two pages at the door and in one's own account."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote
from uuid import UUID

import segno
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from accounts import forms
from accounts.actions.second_factor import EnrollmentBegun
from accounts.errors import CodeInvalid, EnrollmentInvalid
from accounts.models import User
from accounts.pages import cookies
from accounts.pages.frame import form_page, show
from common.errors import DomainError

QR_SCALE = 5
SECRET_GROUP_CHARS = 4


def enroll_page(
    request: HttpRequest,
    begun: EnrollmentBegun,
    context: Mapping[str, Any],
    *,
    form: forms.AppCodeForm | None = None,
    error: DomainError | None = None,
) -> HttpResponse:
    """The secret as a QR code and in text, and the field for its first code."""
    form = form or forms.AppCodeForm()
    if isinstance(error, CodeInvalid):
        form.add_error(
            "code", "That code does not fit. Type the one of this moment, and check the clock of your phone."
        )
    picture = segno.make(begun.otpauth_uri, micro=False)
    groups = range(0, len(begun.secret), SECRET_GROUP_CHARS)
    values = {
        "enrollment_id": begun.id,
        "qr": picture.svg_data_uri(scale=QR_SCALE, light="#fff"),
        "otpauth_uri": begun.otpauth_uri,
        "secret_in_groups": " ".join(begun.secret[start : start + SECRET_GROUP_CHARS] for start in groups),
        **context,
    }
    response = form_page(request, "enroll", form, values, error=None if isinstance(error, CodeInvalid) else error)
    cookies.ENROLLING.give(response, str(begun.id))
    return response


def codes_page(request: HttpRequest, codes: Sequence[str], *, user: User, onward: str) -> HttpResponse:
    """The backup codes, in this one answer only."""
    label = f"{user.email} ({settings.STUDIO_NAME})"
    text = "\n".join([f"Backup codes of {label}. Each works once.", "", *codes, ""])
    context = {
        "codes": codes,
        "account_label": label,
        "codes_file": f"data:text/plain;charset=utf-8,{quote(text)}",
        "onward": onward,
    }
    return show(request, "codes", context)


def enrollment_id(request: HttpRequest) -> UUID:
    """Which enrolment a form confirms; raises EnrollmentInvalid for what is no id."""
    try:
        return UUID(request.POST.get("enrollment_id", ""))
    except ValueError as fault:
        raise EnrollmentInvalid from fault
