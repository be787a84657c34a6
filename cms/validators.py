"""Checks of single values; they raise Django's ValidationError."""

import re

from django.core.exceptions import ValidationError

from cms.constants import RESERVED_SLUGS, SLUG_MAX

SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_WEB_ADDRESS = r"https?://[^\s/?#\\]+[^\s\\]*"
_WEB = re.compile(_WEB_ADDRESS, re.IGNORECASE)
_LINK = re.compile(
    rf"(?:{_WEB_ADDRESS}|mailto:[^\s\\]+|tel:\+?[0-9 ().-]+|/(?![/\\])[^\s\\]*|#[^\s\\]*)", re.IGNORECASE
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def validate_slug(value: str) -> None:
    """Refuse whatever is not lower ASCII words joined by hyphens, and words that paths need themselves."""
    if len(value) > SLUG_MAX or not SLUG.fullmatch(value):
        raise ValidationError("Use lower-case letters, digits and single hyphens.", code="invalid")
    if value in RESERVED_SLUGS:
        raise ValidationError("This word is reserved for the site's own addresses.", code="reserved")


def validate_link(value: str) -> None:
    """Refuse an address that is neither a path of ours nor http, https, mailto or tel."""
    if not _LINK.fullmatch(value):
        raise ValidationError("Use a path such as /contact, or an http, https, mailto or tel address.", code="invalid")


def validate_web_address(value: str) -> None:
    """Refuse whatever is not an absolute http or https address."""
    if not _WEB.fullmatch(value):
        raise ValidationError("Use an address that starts with https://.", code="invalid")


def validate_plain(value: str) -> None:
    """Refuse control characters, which neither PostgreSQL nor JSON readers take kindly."""
    if _CONTROL.search(value):
        raise ValidationError("Control characters are not allowed.", code="invalid")
