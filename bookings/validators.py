"""Rules for what visitors type, shared by the API and the pages."""

import re
import unicodedata

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from bookings.constants import PHONE_PATTERN

_SEPARATORS = re.compile(r"[\s().\-\u2011/]+")


def validate_one_line(value: str) -> None:
    """Refuse control characters and line breaks; any script, joiner and direction mark may be in a name."""
    if any(unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"} for letter in value):
        raise ValidationError(_("Control characters and line breaks are not allowed."), code="invalid")


def validate_text(value: str) -> None:
    """Refuse control characters but tabs and line breaks."""
    if any(unicodedata.category(letter) in {"Cc", "Cs"} and letter not in "\t\r\n" for letter in value):
        raise ValidationError(_("Control characters are not allowed."), code="invalid")


def phone_number(raw: str) -> str:
    """E.164 from what people type (`+254 711 000-000`); raises ValidationError without a country code."""
    number = _SEPARATORS.sub("", raw)
    if number.startswith("00"):
        number = f"+{number[2:]}"
    if number and not re.fullmatch(PHONE_PATTERN, number):
        raise ValidationError(
            _("A phone number with its country code is wanted, such as +254711000000."), code="invalid"
        )
    return number
