"""File names as people see them. They are shown as text and never become a path, a key or a raw header."""

import re
import unicodedata

from common.errors import FieldError, ValidationFailed
from uploads.constants import MAX_NAME_CHARACTERS

SEPARATORS = re.compile(r"[/\\]+")
# Control, format (bidirectional overrides among them), surrogate, private, unassigned, and line separators.
REMOVED_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
LONGEST_SUFFIX = 12


def cleaned(filename: str) -> str:
    """Return the last part of a path in NFC, without what could deceive a reader, at most 180 characters long.

    Raises `ValidationFailed` when nothing is left.
    """
    text = "".join(char for char in filename if unicodedata.category(char) not in REMOVED_CATEGORIES)
    text = unicodedata.normalize("NFC", text)  # last: what was removed may have stood between a letter and its accent
    parts = [part.strip(" .") for part in SEPARATORS.split(text)]
    name = next((part for part in reversed(parts) if part), "")
    if not name:
        raise ValidationFailed(errors=[FieldError("invalid", "Not a usable file name.", pointer="#/filename")])
    return _shortened(name)


def _shortened(name: str) -> str:
    if len(name) <= MAX_NAME_CHARACTERS:
        return name
    stem, dot, suffix = name.rpartition(".")
    if not dot or len(suffix) > LONGEST_SUFFIX:
        return name[:MAX_NAME_CHARACTERS].rstrip(" .")
    return f"{stem[: MAX_NAME_CHARACTERS - len(suffix) - 1].rstrip(' .')}.{suffix}"
