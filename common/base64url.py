"""base64url without padding (RFC 4648 §5), as tokens, keys and cursors are written."""

import base64


def encode(raw: bytes) -> str:
    """The text of some bytes."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """The bytes of a text; raises ValueError for what cannot be one. Letters outside the alphabet are passed over."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
