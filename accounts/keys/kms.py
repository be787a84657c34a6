"""Signing with a key that never leaves AWS KMS.

The public half is fetched once a process; verifying a token never calls KMS. Whatever goes wrong there is
SigningUnavailable to the caller, one log line with its cause, and one count.
"""

import functools
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key
from django.conf import settings
from prometheus_client import Counter

from accounts.constants import RSA_BITS
from accounts.errors import SigningUnavailable
from accounts.keys import jwk

if TYPE_CHECKING:
    from mypy_boto3_kms import KMSClient

logger = logging.getLogger(__name__)
FAILURES = Counter("accounts_kms_failures", "Calls of AWS KMS that failed, by cause.", ["cause"])
ALGORITHM: Final = "RSASSA_PKCS1_V1_5_SHA_256"
KEY_USAGE = "SIGN_VERIFY"
CONNECT_SECONDS = 1
READ_SECONDS = 2
ATTEMPTS = 2
RETRY_AFTER_SECONDS = 5
_ARN_PREFIX = "arn:"
_ARN_REGION = 3


class KmsSigner:
    """RS256 by one asymmetric KMS key, named by the ARN that its public half came with.

    An alias that is pointed to another key meanwhile changes nothing before the next start. `RAW`: KMS hashes the
    message itself, which is far below its 4096 bytes.
    """

    algorithm = "RS256"

    def __init__(self, client: "KMSClient", key_id: str) -> None:
        self._client = client
        with _faults():
            found = client.get_public_key(KeyId=key_id)
        public = load_der_public_key(found["PublicKey"])
        signs = found["KeyUsage"] == KEY_USAGE and ALGORITHM in found.get("SigningAlgorithms", [])
        if not signs or not isinstance(public, RSAPublicKey) or public.key_size < RSA_BITS:
            raise _unavailable("WrongKeySpec")
        self.arn = found["KeyId"]
        self.public_key = public
        self.kid = jwk.thumbprint(jwk.public(public))

    def sign(self, message: bytes) -> bytes:
        """RSASSA-PKCS1-v1_5 with SHA-256 (RFC 7518 §3.3), computed by KMS."""
        with _faults():
            answer = self._client.sign(KeyId=self.arn, Message=message, MessageType="RAW", SigningAlgorithm=ALGORITHM)
        return answer["Signature"]


_signers: dict[str, KmsSigner] = {}


def signer(key_id: str) -> KmsSigner:
    """The signer of a key, made once a process; raises SigningUnavailable, and tries again at the next call.

    No lock: two threads may both ask KMS at first, and neither waits behind the other's timeout.
    """
    known = _signers.get(key_id)
    if known is None:
        known = _signers[key_id] = KmsSigner(client_for(key_id), key_id)
    return known


def loaded(key_id: str) -> KmsSigner | None:
    """The signer if its public half was fetched already; asks nobody."""
    return _signers.get(key_id)


def forget() -> None:
    """Fetch public halves again at the next use."""
    _signers.clear()
    client_for.cache_clear()


@functools.cache
def client_for(key_id: str) -> "KMSClient":
    """A client with short timeouts: a sign-in waits for it."""
    return boto3.client(
        "kms",
        region_name=_region(key_id),
        aws_access_key_id=settings.AWS_ACCESS_KEY_ID or None,
        aws_secret_access_key=settings.AWS_SECRET_ACCESS_KEY or None,
        config=Config(
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        ),
    )


def _region(key_id: str) -> str | None:
    """The region that an ARN names, else AWS_REGION; R2's `auto` is no region of AWS."""
    if key_id.startswith(_ARN_PREFIX):
        return key_id.split(":")[_ARN_REGION]
    return settings.AWS_REGION if settings.AWS_REGION != "auto" else None


@contextmanager
def _faults() -> Iterator[None]:
    try:
        yield
    except ClientError as fault:
        raise _unavailable(str(fault.response.get("Error", {}).get("Code", "ClientError"))) from fault
    except BotoCoreError as fault:
        raise _unavailable(type(fault).__name__) from fault


def _unavailable(cause: str) -> SigningUnavailable:
    """The refusal; its cause is for the operator only."""
    FAILURES.labels(cause).inc()
    logger.error("kms_failed", extra={"cause": cause})
    return SigningUnavailable(retry_after=RETRY_AFTER_SECONDS)
