"""The booking token: derived from the booking and never stored, so that every mail can carry it again."""

import base64
import binascii
import hmac
import uuid
from dataclasses import dataclass
from typing import Protocol

from common import base64url
from common.tokens import derive, derived_candidates

PREFIX = "bk_"
_LABEL = "booking"
_ID_BYTES = 16
_MAC_BYTES = 32
_LENGTH = len(PREFIX) + 64  # base64url of 48 bytes needs no padding


class Tokened(Protocol):
    """What a token is derived from."""

    id: uuid.UUID
    token_version: int


@dataclass(frozen=True, slots=True)
class ParsedToken:
    """A token that has the right shape; only `proves` says whether it is genuine."""

    booking_id: uuid.UUID
    mac: bytes


def make(booking: Tokened) -> str:
    """`bk_` + base64url(booking id ‖ HMAC), the HMAC under the newest FIELD_KEY."""
    mac = derive(_LABEL, *_parts(booking))
    return PREFIX + base64url.encode(booking.id.bytes + mac)


def parse(raw: str) -> ParsedToken | None:
    """The parts of a token, or None when it cannot be one."""
    if not raw.startswith(PREFIX) or len(raw) != _LENGTH:
        return None
    try:
        data = base64.b64decode(raw[len(PREFIX) :].encode("ascii"), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    if len(data) != _ID_BYTES + _MAC_BYTES:
        return None
    return ParsedToken(uuid.UUID(bytes=data[:_ID_BYTES]), data[_ID_BYTES:])


def proves(token: ParsedToken, booking: Tokened) -> bool:
    """Whether the token belongs to the booking in its present `token_version`, under any listed key."""
    if token.booking_id != booking.id:
        return False
    return any(hmac.compare_digest(token.mac, candidate) for candidate in derived_candidates(_LABEL, *_parts(booking)))


def _parts(booking: Tokened) -> tuple[bytes, str]:
    return booking.id.bytes, str(booking.token_version)
