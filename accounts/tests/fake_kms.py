"""A KMS that fails on demand: moto signs whatever the key's state, and never throttles or hangs."""

from typing import Any

from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from accounts.keys.signers import RsaSigner

ARN = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
ENDPOINT = "https://kms.eu-west-1.amazonaws.com"
FAULTS: dict[str, Exception] = {
    "ThrottlingException": ClientError({"Error": {"Code": "ThrottlingException"}}, "Sign"),
    "AccessDeniedException": ClientError({"Error": {"Code": "AccessDeniedException"}}, "Sign"),
    "DisabledException": ClientError({"Error": {"Code": "DisabledException"}}, "Sign"),
    "KMSInvalidStateException": ClientError({"Error": {"Code": "KMSInvalidStateException"}}, "Sign"),
    "NotFoundException": ClientError({"Error": {"Code": "NotFoundException"}}, "Sign"),
    "ConnectTimeoutError": ConnectTimeoutError(endpoint_url=ENDPOINT),
    "ReadTimeoutError": ReadTimeoutError(endpoint_url=ENDPOINT),
}


class FakeKms:
    """As much of boto3's client as the signer calls; `fault` is raised instead of an answer."""

    def __init__(self) -> None:
        self.key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        self.public: rsa.RSAPublicKey | ec.EllipticCurvePublicKey = self.key.public_key()
        self.spec = {
            "KeyUsage": "SIGN_VERIFY",
            "SigningAlgorithms": ["RSASSA_PKCS1_V1_5_SHA_256", "RSASSA_PSS_SHA_256"],
        }
        self.fault: Exception | None = None
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def get_public_key(self, **arguments: Any) -> dict[str, Any]:
        """The public half in DER, and what the key is for."""
        self._called("get_public_key", arguments)
        der = self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return {"KeyId": ARN, "PublicKey": der, **self.spec}

    def sign(self, **arguments: Any) -> dict[str, Any]:
        """A signature over the raw message."""
        self._called("sign", arguments)
        return {"Signature": RsaSigner(self.key).sign(arguments["Message"])}

    def _called(self, name: str, arguments: dict[str, Any]) -> None:
        self.calls.append((name, arguments))
        if self.fault is not None:
            raise self.fault
