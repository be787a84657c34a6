"""Public RSA keys as JSON Web Keys (RFC 7517) and back."""

import hashlib
import json
from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers

from common import base64url


def public(key: RSAPublicKey) -> dict[str, str]:
    """The three members that make the key: `kty`, `n`, `e`."""
    numbers = key.public_numbers()
    return {"kty": "RSA", "n": _number(numbers.n), "e": _number(numbers.e)}


def thumbprint(public_jwk: Mapping[str, str]) -> str:
    """The key's id: RFC 7638 §3 with SHA-256."""
    canonical = json.dumps(
        {name: public_jwk[name] for name in ("e", "kty", "n")}, separators=(",", ":"), sort_keys=True
    )
    return base64url.encode(hashlib.sha256(canonical.encode()).digest())


def published(public_jwk: Mapping[str, str], kid: str) -> dict[str, str]:
    """The key as the key set shows it."""
    members = {name: public_jwk[name] for name in ("kty", "n", "e")}
    return {**members, "alg": "RS256", "use": "sig", "kid": kid}


def load(public_jwk: Mapping[str, str]) -> RSAPublicKey:
    """The key that a row's JWK stands for."""
    return RSAPublicNumbers(e=_value(public_jwk["e"]), n=_value(public_jwk["n"])).public_key()


def _number(value: int) -> str:
    return base64url.encode(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def _value(text: str) -> int:
    return int.from_bytes(base64url.decode(text), "big")
