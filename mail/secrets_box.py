"""The secret part of a message's context: encrypted in its row, masked wherever people look."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from common import crypto
from mail.constants import MASK
from mail.models import Message


def seal(secrets: Mapping[str, Any], message_id: UUID) -> bytes | None:
    """Encrypt `secrets` for the row, or return None when there are none."""
    return crypto.encrypt(json.dumps(dict(secrets)).encode(), aad=_aad(message_id)) if secrets else None


def opened(message: Message) -> dict[str, Any]:
    """Return the secrets in plain; masks once they are erased. Raises `crypto.DecryptionFailed`."""
    if message.secrets is None:
        return masks(message)
    plain: dict[str, Any] = json.loads(crypto.decrypt(bytes(message.secrets), aad=_aad(message.pk)))
    return plain


def masks(message: Message) -> dict[str, Any]:
    """Return a mask under each secret's name."""
    return dict.fromkeys(message.secret_names, MASK)


def _aad(message_id: UUID) -> str:
    return f"mail.Message.secrets:{message_id}"
