"""One-time codes of an authenticator app: TOTP (RFC 6238) with SHA-1, six digits and steps of 30 seconds."""

import base64
import hmac
import re
import secrets
from datetime import datetime
from urllib.parse import quote, urlencode

from django_otp import oath

from accounts.constants import TOTP_DIGITS, TOTP_PREVIOUS_STEPS, TOTP_SECRET_BYTES, TOTP_STEP_SECONDS
from accounts.models import SecondFactor
from common import crypto

_SHAPE = re.compile(rf"[0-9]{{{TOTP_DIGITS}}}", re.ASCII)


def new_secret() -> bytes:
    """160 random bits, the length of the HMAC's output (RFC 4226 §4)."""
    return secrets.token_bytes(TOTP_SECRET_BYTES)


def base32(secret: bytes) -> str:
    """The secret as authenticator apps take it."""
    return base64.b32encode(secret).decode().rstrip("=")


def uri(secret: bytes, *, account: str, issuer: str) -> str:
    """What the QR code says (github.com/google/google-authenticator/wiki/Key-Uri-Format)."""
    label = quote(f"{issuer.replace(':', ' ')}:{account}", safe="@")
    query = urlencode(
        {
            "secret": base32(secret),
            "issuer": issuer.replace(":", " "),
            "algorithm": "SHA1",
            "digits": TOTP_DIGITS,
            "period": TOTP_STEP_SECONDS,
        },
        quote_via=quote,
    )
    return f"otpauth://totp/{label}?{query}"


def well_formed(code: str) -> bool:
    """Whether it is six ASCII digits; `int()` would take signs, spaces and digits of other scripts as well."""
    return _SHAPE.fullmatch(code) is not None


def code_of(secret: bytes, step: int) -> str:
    """The code of a time step, with its leading zeros."""
    generator = oath.TOTP(secret, step=TOTP_STEP_SECONDS, digits=TOTP_DIGITS)
    generator.time = step * TOTP_STEP_SECONDS
    return f"{generator.token():0{TOTP_DIGITS}d}"


def step_at(now: datetime) -> int:
    """The time step of an instant."""
    return int(now.timestamp()) // TOTP_STEP_SECONDS


def matching_step(secret: bytes, code: str, *, now: datetime) -> int | None:
    """The present or an allowed earlier step that the code belongs to, never a future one.

    Every step is compared, in constant time, whether or not one before matched.
    """
    if not well_formed(code):
        return None
    present = step_at(now)
    matched = None
    for step in range(present - TOTP_PREVIOUS_STEPS, present + 1):
        if hmac.compare_digest(code_of(secret, step), code):
            matched = step
    return matched


def seal(factor: SecondFactor, secret: bytes) -> bytes:
    """The secret as the factor's row keeps it; the row's id is set."""
    return crypto.encrypt(secret, aad=factor.secret_aad)


def opened(factor: SecondFactor) -> bytes:
    """The factor's secret; raises DecryptionFailed for bytes of another row or under a key that is gone."""
    return crypto.decrypt(bytes(factor.secret_ciphertext), aad=factor.secret_aad)
