"""Keeps secrets and personal values out of the log, whatever a caller hands over."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from audit.constants import CHANGED_PERSONAL, MASK

SECRET_NAME = re.compile(
    r"pass(word|phrase|key)|secret|token|otp|cookie|authorization|credential|signature|pepper|private|api_?key|hash"
    r"|client_secret|backup_code|challenge",
    re.IGNORECASE,
)
SECRET_VALUE = re.compile(
    r"\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"  # a JWT
    r"|\b(?:sk|rk|whsec)_\w{8,}"  # Stripe's keys
    r"|\b\w+_secret_\w{8,}"  # Stripe's client secrets
    r"|\b[a-z]{2,8}_[A-Za-z0-9_-]{40,}"  # our opaque tokens
    r"|(?<=Bearer )\S+"
    r"|(?<=[?&#])(?:X-Amz-[\w-]+|Signature|sig|signature|token)=[^&\s#]+",  # presigned and token links
    re.IGNORECASE,
)


def masked(value: Any, *, personal: Collection[str] = ()) -> Any:
    """Return `value` as JSON may keep it: secrets replaced, and the values under the `personal` names too."""
    if isinstance(value, Mapping):
        return {str(name): _member(str(name), inner, personal) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [masked(inner, personal=personal) for inner in value]
    if isinstance(value, bytes | bytearray | memoryview):
        return MASK
    if value is None or isinstance(value, bool | int | float):
        return value
    return SECRET_VALUE.sub(MASK, str(value))


def _member(name: str, value: Any, personal: Collection[str]) -> Any:
    """Mask one member by its name: counters, flags and absent values are never secret."""
    if value is None or isinstance(value, bool):
        return value
    if name in personal:
        return CHANGED_PERSONAL
    if SECRET_NAME.search(name) and not isinstance(value, int | float):
        return MASK
    return masked(value, personal=personal)
