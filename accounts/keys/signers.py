"""What can sign: one protocol, whether the private key lies in a row, in the environment or in a key service."""

import hmac
from typing import Protocol

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from accounts.keys import jwk


class Signer(Protocol):
    """Signs the two first parts of a JWS; raises `accounts.errors.SigningUnavailable` when it cannot for now."""

    kid: str
    algorithm: str

    def sign(self, message: bytes) -> bytes:
        """The raw signature over `message`."""
        ...


class HmacSigner:
    """HS256 with JWT_SECRET: local mode and tests only."""

    algorithm = "HS256"
    kid = "local"

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def sign(self, message: bytes) -> bytes:
        """HMAC-SHA-256."""
        return hmac.digest(self._secret, message, "sha256")


class RsaSigner:
    """RS256 with a private key in memory."""

    algorithm = "RS256"

    def __init__(self, key: RSAPrivateKey) -> None:
        self._key = key
        self.public_key = key.public_key()
        self.kid = jwk.thumbprint(jwk.public(self.public_key))

    def sign(self, message: bytes) -> bytes:
        """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3)."""
        return self._key.sign(message, padding.PKCS1v15(), hashes.SHA256())
