"""Private keys in rows, sealed under FIELD_KEY."""

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)

from accounts.constants import RSA_BITS
from accounts.errors import SigningUnavailable
from accounts.models import SigningKey
from common import crypto

_PUBLIC_EXPONENT = 65_537


def generate() -> RSAPrivateKey:
    """A fresh RSA key."""
    return rsa.generate_private_key(public_exponent=_PUBLIC_EXPONENT, key_size=RSA_BITS)


def seal(row: SigningKey, key: RSAPrivateKey) -> bytes:
    """What the row keeps of the private half; it opens for this row only."""
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return crypto.encrypt(der, aad=_aad(row))


def unseal(row: SigningKey) -> RSAPrivateKey | None:
    """The private half, or None when the row has none or no listed FIELD_KEY opens it."""
    if row.private_ciphertext is None:
        return None
    try:
        key = load_der_private_key(crypto.decrypt(bytes(row.private_ciphertext), aad=_aad(row)), password=None)
    except crypto.DecryptionFailed:
        return None
    return key if isinstance(key, RSAPrivateKey) else None


def from_pem(pem: str) -> RSAPrivateKey:
    """The key of JWT_PRIVATE_KEY; raises SigningUnavailable for what is no RSA key of at least 2048 bits."""
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError) as fault:
        raise SigningUnavailable("JWT_PRIVATE_KEY is not an unencrypted PEM key.") from fault
    if not isinstance(key, RSAPrivateKey) or key.key_size < RSA_BITS:
        raise SigningUnavailable(f"JWT_PRIVATE_KEY is not an RSA key of at least {RSA_BITS} bits.")
    return key


def _aad(row: SigningKey) -> str:
    return f"accounts.SigningKey.private:{row.pk}"
