"""Opaque tokens, stored only as HMACs, and derived tokens, not stored at all."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from typing import NamedTuple

from django.conf import settings

RANDOM_BYTES = 32
_RANDOM = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class TokenDigest(NamedTuple):
    """What a row keeps of a token: its HMAC and the name of the pepper."""

    hash: bytes
    pepper_id: str


def issue(prefix: str) -> str:
    """A fresh token: the prefix and 32 random bytes in base64url."""
    return prefix + secrets.token_urlsafe(RANDOM_BYTES)


def well_formed(prefix: str, raw: str) -> bool:
    """Whether it may be a token of `issue`; what is not needs no look into the database."""
    return raw.startswith(prefix) and _RANDOM.fullmatch(raw, len(prefix)) is not None


def pepper_id(pepper: bytes) -> str:
    """A short name of a pepper that tells nothing about it."""
    return hashlib.sha256(b"pepper-id\0" + pepper).hexdigest()[:8]


def pepper(name: str) -> bytes | None:
    """The listed pepper of that name, or None when it is no longer listed."""
    return next((one for one in settings.REFRESH_PEPPERS if pepper_id(one) == name), None)


def _hmac(key: bytes, kind: str, raw: str) -> bytes:
    return hmac.digest(key, kind.encode() + b"\0" + raw.encode("utf-8", "surrogatepass"), "sha256")


def digest(kind: str, raw: str) -> TokenDigest:
    """HMAC-SHA-256 of a token under the newest pepper, domain-separated by `kind`."""
    newest = settings.REFRESH_PEPPERS[0]
    return TokenDigest(_hmac(newest, kind, raw), pepper_id(newest))


def candidates(kind: str, raw: str) -> list[TokenDigest]:
    """The digests under every listed pepper: a look-up matches any of them."""
    return [TokenDigest(_hmac(one, kind, raw), pepper_id(one)) for one in settings.REFRESH_PEPPERS]


def _join(parts: Sequence[bytes | str]) -> bytes:
    """Length-prefixed, so that no two lists of parts read alike."""
    encoded = [part.encode() if isinstance(part, str) else part for part in parts]
    return b"".join(len(part).to_bytes(4, "big") + part for part in encoded)


def derive(label: str, *parts: bytes | str) -> bytes:
    """32 bytes that follow from the parts and the newest FIELD_KEY."""
    return hmac.digest(settings.FIELD_KEYS[0], _join((label, *parts)), "sha256")


def derived_candidates(label: str, *parts: bytes | str) -> list[bytes]:
    """The same under every listed FIELD_KEY."""
    return [hmac.digest(key, _join((label, *parts)), "sha256") for key in settings.FIELD_KEYS]
