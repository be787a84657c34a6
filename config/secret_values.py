"""Reading of secrets that rotate: newest first, all accepted."""

import hashlib

from config.env import members, refuse

LEAST_LENGTH = 32


def keys(name: str, raw: str) -> list[bytes]:
    """Each member as a 32-byte key, derived by SHA-256 with the variable's name, so that no two uses share a key."""
    listed = members(raw)
    if any(len(member) < LEAST_LENGTH for member in listed):
        refuse(
            f"{name} holds a value of under {LEAST_LENGTH} characters; `manage.py generate_secrets` prints good ones."
        )
    return [hashlib.sha256(name.encode() + b"\0" + member.encode()).digest() for member in listed]
