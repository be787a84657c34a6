"""Strict query parameters: an unknown one is refused and the allowed ones are named."""

import re
from collections.abc import Iterable

from django.http import HttpRequest
from rest_framework.request import Request

from common.errors import FieldError, ValidationFailed

LONGEST_QUERY_BYTES = 4096


def refuse_unknown(request: Request | HttpRequest, allowed: Iterable[str]) -> None:
    """Raise ValidationFailed for each parameter that is not in `allowed`, and for NUL or more than 4 KiB."""
    names = sorted(allowed)
    query = request.META.get("QUERY_STRING", "")
    if len(query) > LONGEST_QUERY_BYTES:
        raise ValidationFailed(errors=[FieldError("too_long", "The query is longer than 4 KiB.", parameter="*")])
    faults = [
        FieldError("unknown_parameter", f"Allowed: {', '.join(names) or 'none'}.", parameter=name)
        for name in request.GET
        if name not in names
    ]
    faults += [
        FieldError("invalid", "NUL is not allowed.", parameter=name)
        for name, values in request.GET.lists()
        if any("\x00" in value for value in values)
    ]
    if faults:
        raise ValidationFailed(errors=faults)


def positive_int(request: Request | HttpRequest, name: str, *, default: int, maximum: int | None = None) -> int:
    """The parameter as an integer from 1 to `maximum`; given twice or malformed it is refused."""
    values = request.GET.getlist(name)
    if not values:
        return default
    raw = values[0]
    if len(values) > 1 or not re.fullmatch(r"[1-9]\d{0,17}", raw, re.ASCII) or (maximum and int(raw) > maximum):
        bounds = f"from 1 to {maximum}" if maximum else "of 1 or more"
        raise ValidationFailed(errors=[FieldError("invalid", f"A whole number {bounds} is wanted.", parameter=name)])
    return int(raw)


def single(request: Request | HttpRequest, name: str) -> str | None:
    """The parameter's text, None when absent; given twice it is refused."""
    values = request.GET.getlist(name)
    if len(values) > 1:
        raise ValidationFailed(errors=[FieldError("repeated", "This parameter may be given once.", parameter=name)])
    return values[0] if values else None
