"""One spelling for every e-mail address: no two accounts share a mailbox, and no look-alike takes one over."""

import string
import unicodedata

from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.validators import validate_email

from accounts.constants import EMAIL_MAX_BYTES
from common.errors import FieldError, ValidationFailed

_ASCII_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_REFUSED_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"}


def canonical(raw: str, *, pointer: str = "#/email") -> str:
    """The stored and compared form of an address.

    Raises ValidationFailed at `pointer`: `email_invalid`, or `email_unsupported` when the canonical form would change
    the address by more than ASCII case: mail must go to the address that was typed (CVE-2019-19844).
    """
    text = raw.strip(" \t\r\n")
    if any(unicodedata.category(char) in _REFUSED_CATEGORIES for char in text):
        raise _refused(pointer, "email_invalid", "The address holds a character that no address has.")
    local, at, domain = text.rpartition("@")
    if not (local and at and domain):
        raise _refused(pointer, "email_invalid", "Write an address such as ana@example.com.")
    folded = unicodedata.normalize("NFKC", local).casefold()
    if folded != local.translate(_ASCII_LOWER):
        raise _refused(pointer, "email_unsupported", "Addresses with such letters before the @ are not supported.")
    address = f"{folded}@{_ascii_domain(domain, pointer)}"
    if len(address.encode()) > EMAIL_MAX_BYTES or not _well_formed(address):
        raise _refused(pointer, "email_invalid", "Write an address such as ana@example.com.")
    return address


def _ascii_domain(domain: str, pointer: str) -> str:
    """The domain in IDNA's ASCII form; one that IDNA would turn into another name is refused."""
    try:
        plain = domain.translate(_ASCII_LOWER)
        encoded = domain.encode("idna").decode("ascii").translate(_ASCII_LOWER)
        if plain not in {encoded, encoded.encode("ascii").decode("idna")}:
            raise _refused(pointer, "email_unsupported", "Write the domain in its plain form.")
    except UnicodeError:
        raise _refused(pointer, "email_invalid", "The part after the @ is not a domain.") from None
    return encoded


def _well_formed(address: str) -> bool:
    """Django's rule, with letters outside ASCII before the @ taken for letters."""
    local, _, domain = address.rpartition("@")
    plain = "".join(char if char.isascii() else "x" for char in local)
    try:
        validate_email(f"{plain}@{domain}")
    except DjangoValidationError:
        return False
    return True


def masked(address: str) -> str:
    """The address for people who may only recognise it: `a•••@example.com`."""
    local, _, domain = address.rpartition("@")
    return f"{local[:1]}•••@{domain}"


def _refused(pointer: str, code: str, detail: str) -> ValidationFailed:
    return ValidationFailed(errors=[FieldError(pointer=pointer, code=code, detail=detail)])
