"""Ed25519 (RFC 8032): whoever holds the public key can check a seal, and only the private key makes one."""

import hashlib
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.constants import KEY_ID_LENGTH


@dataclass(frozen=True, slots=True)
class Signer:
    """A private key made of a seed of 32 bytes."""

    seed: bytes

    @property
    def public_key(self) -> bytes:
        """The 32 bytes that verify."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()

    @property
    def key_id(self) -> str:
        """The key's short name, which follows from its public half."""
        return key_id(self.public_key)

    def sign(self, statement: bytes) -> bytes:
        """The 64 bytes of the signature."""
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(statement)


def key_id(public_key: bytes) -> str:
    """The first hex digits of the public key's SHA-256."""
    return hashlib.sha256(public_key).hexdigest()[:KEY_ID_LENGTH]


def is_valid(public_key: bytes, signature: bytes, statement: bytes) -> bool:
    """Whether the signature is that key's over the statement."""
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, statement)
    except (InvalidSignature, ValueError):
        return False
    return True
