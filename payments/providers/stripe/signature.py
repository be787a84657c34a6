"""Stripe's webhook signature, scheme v1: https://docs.stripe.com/webhooks#verify-manually.

Written here because the SDK lets hostile input out as five kinds of exceptions and takes times from the future.
"""

import hashlib
import hmac
import re
from collections.abc import Sequence

from payments.providers.stripe.constants import SIGNATURE_HEADER_LENGTH, SIGNATURES_MOST

_TIME = re.compile(rb"[0-9]{1,12}")
_MARK = re.compile(rb"[0-9a-f]{64}")
SECRET_ID_LENGTH = 16


def usable(secrets: Sequence[str | None]) -> list[str]:
    """The secrets that can sign: blank ones would make a signature that everybody can make."""
    return [secret.strip() for secret in secrets if secret and secret.strip()]


def secret_id(secret: str) -> str:
    """A short name of a secret that tells nothing about it."""
    return hashlib.sha256(b"webhook-secret-id\0" + secret.encode()).hexdigest()[:SECRET_ID_LENGTH]


def verify(header: str, body: bytes, secrets: Sequence[str]) -> tuple[str, int] | None:
    """The name of the secret that signed the body and the time it signed, or None; never raises.

    The caller judges the time. Every v1 of the header is tried with every secret, in constant time each.
    """
    parsed = _parse(header)
    if parsed is None:
        return None
    time, marks = parsed
    signed = time + b"." + body
    for secret in secrets:
        expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest().encode()
        if any(hmac.compare_digest(expected, mark) for mark in marks):
            return secret_id(secret), int(time)
    return None


def _parse(header: str) -> tuple[bytes, list[bytes]] | None:
    if len(header) > SIGNATURE_HEADER_LENGTH:
        return None
    raw = header.encode("utf-8", "replace")
    times, marks = [], []
    for item in raw.split(b","):
        name, _, value = item.strip().partition(b"=")
        if name == b"t":
            times.append(value)
        elif name == b"v1":
            marks.append(value)
    good = [mark for mark in marks if _MARK.fullmatch(mark)]
    if len(times) != 1 or not _TIME.fullmatch(times[0]) or not good or len(marks) > SIGNATURES_MOST:
        return None
    return times[0], good
