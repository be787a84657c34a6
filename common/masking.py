"""The one home of masking: no secret, token or signature stays in logs, error reports, audit rows or staff pages."""

import re
from collections.abc import Collection, Mapping
from typing import Any

MASK = "••••"
CHANGED_PERSONAL = "[personal]"
"""Stands for the value of a personal field, of which only that it was there may be known."""

SECRET_NAME = re.compile(
    r"pass(word|phrase|key|wd)|secret|token|otp|cookie|authorization|credential|signature|pepper|private|api_?key|hash"
    r"|backup_code|challenge",
    re.IGNORECASE,
)
CODE_NAME = re.compile(r"(^|_)codes?$", re.IGNORECASE)
CODE_VALUE = re.compile(r"\d{6,8}|[A-Z0-9]{3,6}([ -][A-Z0-9]{3,6}){1,4}")
"""One-time and backup codes; an error's code is made of words and stays readable."""

# Each keeps what it captures, so that a reader still sees what kind of thing stood there. Before it stands a text that
# every match holds: looking for that costs a tenth of the pattern, and a line of the log has ten texts.
PATTERNS = (
    ("-----BEGIN ", re.compile(r"(-----BEGIN [A-Z0-9 ]+-----)(?:(?!-----END)[\s\S])*(?:-----END [A-Z0-9 ]+-----)?")),
    ("eyJ", re.compile(r"()\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*")),
    ("Bearer ", re.compile(r"\b(Bearer )[^\s\"',]+")),
    ("Basic ", re.compile(r"\b(Basic )[^\s\"',]+")),
    ("/", re.compile(r"(/(?:b|t|calendar|auth/invite|auth/reset|uploads/(?:put|get))/)[^\s/?\"']+")),
    (
        "=",
        re.compile(
            r"((?<![\w-])(?:X-Amz-[\w-]+|preview|(?:[a-z]+_)?token|sig|signature|(?:client_)?secret|api_?key|password)=)"
            r"[^&\s\"'#]+",
            re.IGNORECASE,
        ),
    ),
    (":", re.compile(r"((?:password|passwd|passphrase|secret)[\"']?: ?[\"']?)[^\s\"',}]+", re.IGNORECASE)),
    ("=", re.compile(r"((?<![\w-])(?:code|otp|totp)=)(?:\d{6,8}|[A-Z0-9]+(?:-[A-Z0-9]+)+)", re.IGNORECASE)),
    ("_", re.compile(r"\b((?:sk|rk)_(?:test|live)_|whsec_)\w{8,}")),
    ("_secret_", re.compile(r"\b((?:pi|seti|src|cs)_\w+?_secret_)\w+")),
    ("_", re.compile(r"\b((?:rt|ch|en|iv|pr|bk|pv)_)[A-Za-z0-9_-]{8,}")),
    ("://", re.compile(r"(://[^/\s:@]*:)[^/\s@]+(?=@)")),
)


def mask(text: str) -> str:
    """Return the text without tokens, keys, codes, signatures and passwords, as UTF-8 and PostgreSQL can hold it."""
    text = text.replace("\x00", "\ufffd").encode(errors="replace").decode()
    for held, pattern in PATTERNS:
        if held in text:
            text = pattern.sub(rf"\g<1>{MASK}", text)
    return text


def mask_texts(value: Any) -> Any:
    """Return `value` with every text in it masked by its look, at any depth; names are not judged.

    What would be shown as text becomes text here: a request, say, shows its whole address.
    """
    if isinstance(value, str):
        return mask(value)
    if isinstance(value, Mapping):
        return {name: mask_texts(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [mask_texts(inner) for inner in value]
    return value if value is None or isinstance(value, bool | int | float) else mask(str(value))


def masked(value: Any, *, personal: Collection[str] = (), hidden: Collection[str] = ()) -> Any:
    """Return `value` as JSON may show it: secrets replaced wherever they stand, by their name or by their look.

    What stands under a name of `personal` becomes `[personal]`, under one of `hidden` the mask; absent values, flags
    and counters are never secret.
    """
    if isinstance(value, Mapping):
        return {mask(str(name)): _member(str(name), inner, personal, hidden) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(inner, personal=personal, hidden=hidden) for inner in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return MASK
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask(str(value))


def _member(name: str, value: Any, personal: Collection[str], hidden: Collection[str]) -> Any:
    """Mask one member by its name, else by its value."""
    if value is None or isinstance(value, bool):
        return value
    if name in personal:
        return CHANGED_PERSONAL
    if name in hidden:
        return MASK if value else value
    if SECRET_NAME.search(name) and not isinstance(value, int | float):
        return MASK
    if CODE_NAME.search(name) and _is_code(value):
        return MASK
    return masked(value, personal=personal, hidden=hidden)


def _is_code(value: Any) -> bool:
    values = value if isinstance(value, list | tuple | set | frozenset) else [value]
    return any(CODE_VALUE.fullmatch(str(one)) for one in values)
