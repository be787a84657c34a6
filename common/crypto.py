"""Encrypted columns: AES-256-GCM under FIELD_KEY, bound by associated data to their model, field and row.

Layout: version byte 0x01, 4 bytes of key id, 12 bytes of nonce, ciphertext with its 16-byte tag.
"""

import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

VERSION = b"\x01"
KEY_ID_BYTES = 4
NONCE_BYTES = 12
HEADER_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES


class DecryptionFailed(Exception):
    """The bytes were changed, belong to another row, or their key is no longer listed."""


def key_id(key: bytes) -> bytes:
    """A short name of a key that tells nothing about it."""
    return hashlib.sha256(b"field-key-id\0" + key).digest()[:KEY_ID_BYTES]


def is_current(sealed: bytes) -> bool:
    """Whether the bytes name the newest key; tells nothing about whether they open."""
    return sealed[1 : 1 + KEY_ID_BYTES] == key_id(settings.FIELD_KEYS[0])


def encrypt(plain: bytes, *, aad: str) -> bytes:
    """Seal `plain` under the newest key; `aad` is `app.Model.field:row id` and must be given again to open it."""
    key = settings.FIELD_KEYS[0]
    nonce = secrets.token_bytes(NONCE_BYTES)
    return VERSION + key_id(key) + nonce + AESGCM(key).encrypt(nonce, plain, aad.encode())


def decrypt(sealed: bytes, *, aad: str) -> bytes:
    """Open what `encrypt` sealed with any listed key; raises DecryptionFailed."""
    sealed = bytes(sealed)
    named, nonce = sealed[1 : 1 + KEY_ID_BYTES], sealed[1 + KEY_ID_BYTES : HEADER_BYTES]
    key = next((key for key in settings.FIELD_KEYS if key_id(key) == named), None)
    if sealed[:1] != VERSION or key is None or len(nonce) != NONCE_BYTES:
        raise DecryptionFailed("No listed FIELD_KEY fits these bytes.")
    try:
        return AESGCM(key).decrypt(nonce, sealed[HEADER_BYTES:], aad.encode())
    except InvalidTag as fault:
        raise DecryptionFailed("The bytes were changed or belong to another row.") from fault
