"""Access tokens: simplejwt's classes around our own keys and strict claims."""

import json
import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jwt
from django.conf import settings
from rest_framework_simplejwt.backends import TokenBackend
from rest_framework_simplejwt.exceptions import TokenBackendError, TokenError
from rest_framework_simplejwt.tokens import AccessToken

from accounts.constants import ACCESS_AUDIENCE, ACCESS_LEEWAY_SECONDS, ACCESS_TOKEN_MAX_CHARS, ACCESS_TTL_SECONDS
from accounts.errors import TokenExpired, TokenInvalid
from accounts.keys import ring
from accounts.keys.ring import Verifier
from accounts.models import Session
from common import base64url
from common.ids import uuid7

TYPE = "at+jwt"
HEADER = {"alg", "kid", "typ"}
REQUIRED = ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp", "amr", "auth_time"]
INSTANTS = ("iat", "nbf", "exp", "auth_time")
_LATEST_INSTANT = 253_402_300_799  # the year 9999: beyond it Python's dates overflow


class KeyRingBackend(TokenBackend):
    """Signs with whoever signs at `at`; verifies with the key that the token's `kid` names among ours.

    The algorithm is the configuration's. Times are left to `StaffAccessToken.check_times`, by the database's clock.
    """

    def __init__(self, at: datetime | None = None) -> None:
        self.ring = ring.current()
        self.at = at
        super().__init__(self.ring.algorithm, audience=ACCESS_AUDIENCE, issuer=settings.PUBLIC_URL)

    def encode(self, payload: dict[str, Any]) -> str:
        """The compact JWS (RFC 7515 §7.1); raises SigningUnavailable."""
        if self.at is None:
            raise TokenBackendError("A token is signed at a given instant.")
        signer = self.ring.signer(self.at)
        claims = {**payload, "aud": self.audience, "iss": self.issuer}
        message = f"{_part({'alg': signer.algorithm, 'kid': signer.kid, 'typ': TYPE})}.{_part(claims)}"
        return f"{message}.{base64url.encode(signer.sign(message.encode()))}"

    def decode(self, token: Any, verify: bool = True) -> dict[str, Any]:  # noqa: FBT001, FBT002 - simplejwt's signature
        """The claims of a token whose signature, header, issuer and audience are right; raises TokenBackendError."""
        try:
            options: Any = {
                "require": REQUIRED,
                "strict_aud": True,
                "verify_exp": False,
                "verify_nbf": False,
                "verify_iat": False,
                "verify_signature": verify,
            }
            return jwt.decode(
                token,
                self.verifier(token).key,
                algorithms=[self.algorithm],
                audience=self.audience,
                issuer=self.issuer,
                options=options,
            )
        except (jwt.InvalidTokenError, ValueError, TypeError, RecursionError) as fault:
            raise TokenBackendError("Token is invalid") from fault

    def verifier(self, token: Any) -> Verifier:
        """The key for a token; raises jwt.InvalidTokenError unless its header is exactly one of ours."""
        if len(token) > ACCESS_TOKEN_MAX_CHARS:
            raise jwt.InvalidTokenError("Too long")
        header = jwt.get_unverified_header(token)
        found = self.ring.verifier(header.get("kid"))
        if set(header) != HEADER or header["alg"] != self.algorithm or header["typ"] != TYPE or found is None:
            raise jwt.InvalidTokenError("Not one of our headers")
        return found


class StaffAccessToken(AccessToken):
    """An access token of staff. Once authenticated it is `request.auth`, with its `session` row."""

    session: Session

    @classmethod
    def issue(cls, *, session: Session, now: datetime) -> str:
        """The signed token of a session, saved or not; raises SigningUnavailable."""
        iat = int(now.timestamp())
        token = cls()
        token.payload = {
            "sub": str(session.user_id),
            "sid": str(session.pk),
            "jti": uuid7().hex,
            "iat": iat,
            "nbf": iat,
            "exp": iat + ACCESS_TTL_SECONDS,
            "amr": session.amr,
            "auth_time": int(session.auth_time.timestamp()),
        }
        return KeyRingBackend(now).encode(token.payload)

    @property
    def session_id(self) -> str:
        """The session that the token belongs to."""
        return str(self.payload["sid"])

    def get_token_backend(self) -> TokenBackend:
        """Ours; simplejwt has no setting for it."""
        return KeyRingBackend()

    def verify(self) -> None:
        """Refuse claims of the wrong shape with simplejwt's TokenError."""
        if not _well_formed(self.payload):
            raise TokenError("Token is invalid")

    def check_times(self, now: datetime) -> None:
        """Raise TokenExpired, or TokenInvalid for a token from the future or one whose key is gone."""
        if self.token is None:
            raise TokenInvalid
        gone_at = KeyRingBackend().verifier(self.token).gone_at
        latest = now.timestamp() + ACCESS_LEEWAY_SECONDS
        if (gone_at is not None and gone_at <= now) or max(self.payload["iat"], self.payload["nbf"]) > latest:
            raise TokenInvalid
        if self.payload["exp"] <= now.timestamp() - ACCESS_LEEWAY_SECONDS:
            raise TokenExpired


def _well_formed(claims: Mapping[str, Any]) -> bool:
    instants = [claims[name] for name in INSTANTS]
    if any(type(value) is not int or not 0 <= value <= _LATEST_INSTANT for value in instants):
        return False
    amr = claims["amr"]
    return (
        0 < claims["exp"] - claims["iat"] <= ACCESS_TTL_SECONDS
        and _is_uuid(claims["sub"])
        and _is_uuid(claims["sid"])
        and isinstance(claims["jti"], str)
        and isinstance(amr, list)
        and all(isinstance(method, str) for method in amr)
    )


def _is_uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False


def _part(value: Mapping[str, Any]) -> str:
    return base64url.encode(json.dumps(value, separators=(",", ":")).encode())
