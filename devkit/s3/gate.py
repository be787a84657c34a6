"""The judge of every request: who asks, what was signed, what was sent, and what is there already."""

import base64
import binascii
import hashlib
import zlib
from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote, unquote

from devkit.s3 import cors
from devkit.s3.errors import AWAY, CHANGED, LENGTH_REQUIRED, MALFORMED, Refusal, absent, bad_digest, denied
from devkit.s3.messages import Answer, Request
from devkit.s3.parts import Parts
from devkit.s3.signatures import Verifier
from devkit.s3.store import Store

CHECKSUM = "x-amz-checksum-"
CALCULATED = {
    "x-amz-checksum-sha256": lambda body: hashlib.sha256(body).digest(),
    "x-amz-checksum-crc32": lambda body: zlib.crc32(body).to_bytes(4, "big"),
}
NO_CHECKSUMS = {"x-amz-checksum-mode", "x-amz-checksum-algorithm", "x-amz-checksum-type"}
READS = {"GET", "HEAD"}
SETTINGS = {"cors", "lifecycle", "policy", "acl", "versioning", "website", "publicaccessblock", "ownershipcontrols"}
POSTS = {"uploads", "uploadid", "delete"}
SIGNING = {
    *("x-amz-algorithm", "x-amz-credential", "x-amz-date", "x-amz-expires", "x-amz-signedheaders", "x-amz-signature"),
    *("x-amz-security-token", "x-id"),
}
NOT_FOR_MOTO = {"authorization", "origin", "host", "content-length", "expect", "connection", "x-amz-content-sha256"}
KEY_BYTES, METADATA_BYTES = 1024, 8192
"""R2's limits: the shorter of the two stores' metadata is AWS's 2 KB, which nothing of ours comes near."""


class Gate:
    """Answers what S3 or R2, whichever is stricter, would answer.

    `public` names buckets that everybody reads; the key `objects_only` may use objects and no bucket's settings.
    """

    def __init__(self, *, verifier: Verifier, buckets: Iterable[str], public: Iterable[str], objects_only: str) -> None:
        self.store = Store()
        self.away = False
        self._verifier = verifier
        self._buckets = tuple(buckets)
        self._public = frozenset(public)
        self._objects_only = objects_only
        self._parts = Parts()
        self.clear()

    def clear(self) -> None:
        """Begin again with empty buckets that have no settings."""
        with self.store.lock:
            self.store.clear()
            for name in self._buckets:
                self.store.make_bucket(name)

    def answer(self, request: Request, now: datetime) -> Answer:
        """Judge a request and carry it out."""
        try:
            reply = self._judged(request, now)
        except Refusal as refusal:
            reply = refusal.answer()
        if "origin" in request.headers and request.method != "OPTIONS":
            rules = cors.response_headers(self._rules(request.bucket), request)
            reply = Answer(reply.status, reply.headers | rules, reply.body)
        return reply

    def _judged(self, request: Request, now: datetime) -> Answer:
        if self.away:
            raise Refusal(AWAY, "ServiceUnavailable", "Service is unable to handle request.")
        if not request.complete:
            raise Refusal(MALFORMED, "IncompleteBody", "The request body terminated unexpectedly")
        if request.method == "OPTIONS":
            return Answer(200, cors.preflight_headers(self._rules(request.bucket), request))
        if request.method == "POST" and request.headers.get("content-type", "").startswith("multipart/form-data"):
            raise absent("Uploading by a form and its POST policy")
        self._require_rights(request, self._verifier.access_key_of(request, now))
        if request.method in {"PUT", "POST"}:
            _require_writable(request)
        if request.method == "POST" and not POSTS & request.parameters.keys():
            raise absent("This POST")
        with self.store.lock:  # what the conditions see must stay true until the write
            self._require_source(request)
            return self._carry_out(request, now)

    def _require_rights(self, request: Request, access_key: str) -> None:
        if not access_key:
            reads_an_object = request.method in READS and bool(request.key) and not request.query
            if request.bucket not in self._public or not reads_an_object:
                raise denied()
        changes_settings = not request.key and (SETTINGS & request.parameters.keys() or request.method == "DELETE")
        if access_key and access_key == self._objects_only and changes_settings:
            raise denied()

    def _require_source(self, request: Request) -> None:
        wanted = request.headers.get("x-amz-copy-source-if-match")
        if wanted is None:
            return
        source = "/" + quote(unquote(request.headers.get("x-amz-copy-source", "")).lstrip("/"))
        found = self.store.etag_of(source)
        if found and found.strip('"') != wanted.strip('"'):
            raise Refusal(CHANGED, "PreconditionFailed", "At least one of the pre-conditions did not hold")

    def _carry_out(self, request: Request, now: datetime) -> Answer:
        headers = {name: value for name, value in request.headers.items() if name not in NOT_FOR_MOTO}
        kept = []
        for name, value in request.pairs:
            if name.lower().startswith("x-amz-"):
                if name.lower() not in SIGNING:  # S3 takes a header out of a signed query too
                    headers[name.lower()] = value
            else:
                kept.append(f"{quote(name, safe='')}={quote(value, safe='')}")
        if CHECKSUM + "sha256" in headers:
            headers["x-amz-sdk-checksum-algorithm"] = "SHA256"  # moto asks for the SDK's own header
        reply = self.store.send(request.method, request.path, "&".join(kept), headers, request.body)
        return self._parts.corrected(request, reply, now)

    def _rules(self, bucket: str) -> list[cors.Rule]:
        document = self.store.cors_of(bucket) if bucket else b""
        return cors.rules_of(document) if document else []


def _require_writable(request: Request) -> None:
    """Length, checksums, sizes of names, and rules that both stores would take."""
    if "content-length" not in request.headers:
        raise Refusal(LENGTH_REQUIRED, "MissingContentLength", "You must provide the Content-Length HTTP header.")
    for name, sent in request.headers.items():
        if name.startswith(CHECKSUM) and name not in NO_CHECKSUMS:
            _require_checksum(name, sent, request.body)
    if request.headers.get("content-md5"):
        _require_equal("Content-MD5", request.headers["content-md5"], hashlib.md5(request.body).digest())
    if len(request.key.encode()) > KEY_BYTES:
        raise Refusal(MALFORMED, "KeyTooLongError", "Your key is too long")
    metadata = {n: v for n, v in (*request.headers.items(), *request.pairs) if n.lower().startswith("x-amz-meta-")}
    if sum(len(name) + len(value) for name, value in metadata.items()) > METADATA_BYTES:
        raise Refusal(MALFORMED, "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size")
    if not request.key and "cors" in request.parameters:
        cors.require_acceptable(request.body)


def _require_checksum(name: str, sent: str, body: bytes) -> None:
    if name not in CALCULATED:
        raise absent(f"The checksum {name}")
    _require_equal(name.removeprefix(CHECKSUM).upper(), sent, CALCULATED[name](body))


def _require_equal(algorithm: str, sent: str, calculated: bytes) -> None:
    try:
        digest = base64.b64decode(sent, validate=True)
    except binascii.Error:
        digest = b""
    if len(digest) != len(calculated):
        raise Refusal(MALFORMED, "InvalidDigest", f"Value for the {algorithm} header is invalid.")
    if digest != calculated:
        raise bad_digest(algorithm)
