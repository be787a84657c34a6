"""A key of the environment that signs in place of the key rows: JWT_KMS_KEY_ID, else JWT_PRIVATE_KEY."""

import functools
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from django.conf import settings

from accounts.errors import SigningUnavailable
from accounts.keys import kms, rows
from accounts.keys.signers import RsaSigner, Signer


class PublicSigner(Signer, Protocol):
    """A signer whose signatures anybody can verify."""

    public_key: RSAPublicKey


def configured() -> bool:
    """Whether a variable names such a key."""
    return bool(settings.JWT_KMS_KEY_ID or settings.JWT_PRIVATE_KEY)


def signer() -> PublicSigner | None:
    """Whoever signs in place of the rows; raises SigningUnavailable while that one cannot be had."""
    if settings.JWT_KMS_KEY_ID:
        return kms.signer(settings.JWT_KMS_KEY_ID)
    return from_pem(settings.JWT_PRIVATE_KEY) if settings.JWT_PRIVATE_KEY else None


def loaded() -> PublicSigner | None:
    """The same as far as it is at hand without asking anybody; None also for a PEM that cannot be read."""
    if settings.JWT_KMS_KEY_ID:
        return kms.loaded(settings.JWT_KMS_KEY_ID)
    try:
        return signer()
    except SigningUnavailable:
        return None


@functools.lru_cache(maxsize=2)
def from_pem(pem: str) -> RsaSigner:
    """The signer of a PEM key; raises SigningUnavailable for what is no RSA key of at least 2048 bits."""
    return RsaSigner(rows.from_pem(pem))
