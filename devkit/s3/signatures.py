"""AWS Signature Version 4 in its two forms, header and query, as S3 verifies them.

After "Authenticating Requests (AWS Signature Version 4)" of the Amazon S3 API reference. A header that is signed and
not sent counts as empty, so that leaving it out breaks the signature as changing it does; `content-length` is such a
header like any other, which is how a signed length binds the body.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

from devkit.s3.errors import FORBIDDEN, MALFORMED, Refusal, denied
from devkit.s3.messages import UNSIGNED, Request

ALGORITHM = "AWS4-HMAC-SHA256"
UNSIGNED_PAYLOAD = "UNSIGNED-PAYLOAD"
LONGEST_SECONDS = 7 * 24 * 3600
LARGEST_SKEW = timedelta(minutes=15)
QUERY_NAMES = ("x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature")
SCOPE_PARTS = 5


@dataclass(frozen=True)
class Claim:
    """What a request says of its own signature."""

    access_key: str
    scope: str
    at: datetime
    signed_headers: tuple[str, ...]
    signature: str
    payload: str


@dataclass(frozen=True)
class Verifier:
    """Knows the keys; `region` is the only one that it serves."""

    secrets: Mapping[str, str]
    region: str

    def access_key_of(self, request: Request, now: datetime) -> str:
        """Return the key that signed the request, or nothing for an anonymous one. Raises `Refusal`."""
        claim = _claim_of(request, now)
        if claim is None:
            return ""
        secret = self.secrets.get(claim.access_key)
        if secret is None:
            raise Refusal(FORBIDDEN, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist.")
        self._require_scope(claim)
        _require_all_signed(request, claim)
        if not hmac.compare_digest(signature_of(request, claim, secret), claim.signature):
            raise Refusal(
                FORBIDDEN,
                "SignatureDoesNotMatch",
                "The request signature we calculated does not match the signature you provided.",
            )
        _require_payload(request, claim)
        return claim.access_key

    def _require_scope(self, claim: Claim) -> None:
        expected = f"{claim.at:%Y%m%d}/{self.region}/s3/aws4_request"
        if claim.scope != expected:
            raise Refusal(MALFORMED, "AuthorizationHeaderMalformed", f"The credential scope is not {expected}.")


def signature_of(request: Request, claim: Claim, secret: str) -> str:
    """Calculate the signature that the request ought to have."""
    text = f"{ALGORITHM}\n{claim.at:%Y%m%dT%H%M%SZ}\n{claim.scope}\n{_sha256(canonical(request, claim).encode())}"
    key = f"AWS4{secret}".encode()
    for part in claim.scope.split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return hmac.digest(key, text.encode(), "sha256").hex()


def canonical(request: Request, claim: Claim) -> str:
    """The canonical request; S3 encodes a path once and does not normalise it."""
    bucket_and_key = f"{request.bucket}/{request.key}" if "/" in request.path.lstrip("/") else request.bucket
    query = sorted((_encoded(n), _encoded(v)) for n, v in request.pairs if n.lower() not in UNSIGNED)
    headers = [f"{name}:{' '.join(request.headers.get(name, '').split())}\n" for name in claim.signed_headers]
    return "\n".join(
        (
            request.method,
            "/" + quote(bucket_and_key, safe="/-_.~"),
            "&".join(f"{name}={value}" for name, value in query),
            "".join(headers),
            ";".join(claim.signed_headers),
            claim.payload,
        )
    )


def _claim_of(request: Request, now: datetime) -> Claim | None:
    parameters, authorization = request.parameters, request.headers.get("authorization", "")
    if authorization.startswith("AWS ") or {"awsaccesskeyid", "signature"} <= parameters.keys():
        raise Refusal(MALFORMED, "InvalidRequest", f"Signature version 2 is not supported. Please use {ALGORITHM}.")
    in_query = "x-amz-algorithm" in parameters
    if in_query and authorization:
        raise Refusal(MALFORMED, "InvalidArgument", "Only one authentication mechanism is allowed.")
    if in_query:
        return _from_query(request, parameters, now)
    return _from_header(request, authorization, now) if authorization else None


def _from_query(request: Request, parameters: Mapping[str, str], now: datetime) -> Claim:
    if parameters["x-amz-algorithm"] != ALGORITHM or any(name not in parameters for name in QUERY_NAMES):
        raise _malformed_query("The query names another algorithm, or a parameter is missing.")
    at, seconds = _instant(parameters["x-amz-date"]), parameters["x-amz-expires"]
    if not seconds.isascii() or not seconds.isdigit() or not 1 <= int(seconds) <= LONGEST_SECONDS:
        raise _malformed_query("X-Amz-Expires must be between one second and a week (in seconds).")
    if now > at + timedelta(seconds=int(seconds)):
        raise denied("Request has expired")
    if at > now + LARGEST_SKEW:
        raise denied("Request is not valid yet")
    access_key, _, scope = parameters["x-amz-credential"].partition("/")
    return Claim(
        access_key=access_key,
        scope=scope,
        at=at,
        signed_headers=_names(parameters["x-amz-signedheaders"]),
        signature=parameters["x-amz-signature"],
        payload=request.headers.get("x-amz-content-sha256", UNSIGNED_PAYLOAD),
    )


def _from_header(request: Request, authorization: str, now: datetime) -> Claim:
    algorithm, _, rest = authorization.partition(" ")
    members = dict(part.strip().partition("=")[::2] for part in rest.split(","))
    if algorithm != ALGORITHM or not {"Credential", "SignedHeaders", "Signature"} <= members.keys():
        raise Refusal(MALFORMED, "AuthorizationHeaderMalformed", "The authorization header is malformed.")
    payload = request.headers.get("x-amz-content-sha256", "")
    if not payload:
        raise Refusal(MALFORMED, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256")
    at = _instant(request.headers.get("x-amz-date", ""))
    if abs(now - at) > LARGEST_SKEW:
        raise Refusal(FORBIDDEN, "RequestTimeTooSkewed", "The difference between the two clocks is too large.")
    access_key, _, scope = members["Credential"].partition("/")
    return Claim(access_key, scope, at, _names(members["SignedHeaders"]), members["Signature"], payload)


def _require_all_signed(request: Request, claim: Claim) -> None:
    """What changes the meaning of a request has to be signed: its host and every `x-amz-` header."""
    needed = {"host"} | {name for name in request.headers if name.startswith("x-amz-")}
    left_out = sorted(needed - set(claim.signed_headers))
    if left_out:
        raise denied(f"There were headers present in the request which were not signed: {', '.join(left_out)}")


def _require_payload(request: Request, claim: Claim) -> None:
    if claim.payload == UNSIGNED_PAYLOAD:
        return
    if claim.payload.startswith("STREAMING-"):
        raise Refusal(MALFORMED, "InvalidRequest", "Chunked signatures are not supported.")
    if claim.payload != _sha256(request.body):
        raise Refusal(MALFORMED, "XAmzContentSHA256Mismatch", "The provided x-amz-content-sha256 does not match.")


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.lower().split(";"))


def _instant(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise denied("X-Amz-Date must be of the form 20260131T235959Z.") from None


def _malformed_query(message: str) -> Refusal:
    return Refusal(MALFORMED, "AuthorizationQueryParametersError", message)


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
