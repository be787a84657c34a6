"""Puts right what moto says of uploads in parts: when they began, and that their checksum is one of checksums."""

import re
from datetime import datetime

from devkit.s3.messages import Answer, Request

UPLOAD_ID = re.compile(rb"<UploadId>([^<]+)</UploadId>")
LISTED = re.compile(rb"<Upload>.*?</Upload>", re.DOTALL)
INITIATED = re.compile(rb"<Initiated>[^<]*</Initiated>")
COMPOSITE_ETAG = re.compile(r'"[0-9a-f]{32}(-\d+)"')
SHA256 = "x-amz-checksum-sha256"


class Parts:
    """Remembers when each upload began; moto says 2010 of all."""

    def __init__(self) -> None:
        self._begun: dict[bytes, bytes] = {}

    def corrected(self, request: Request, reply: Answer, now: datetime) -> Answer:
        """Return the answer as S3 would give it."""
        if "uploads" in request.parameters and request.method == "POST":
            self._begun |= {name: f"{now:%Y-%m-%dT%H:%M:%S.000Z}".encode() for name in UPLOAD_ID.findall(reply.body)}
        elif "uploads" in request.parameters:
            return Answer(reply.status, reply.headers, LISTED.sub(self._dated, reply.body))
        elif SHA256 in reply.headers and "-" not in reply.headers[SHA256]:
            parts = COMPOSITE_ETAG.fullmatch(reply.headers.get("ETag", ""))
            suffix = parts[1] if parts else ""
            return Answer(reply.status, reply.headers | {SHA256: reply.headers[SHA256] + suffix}, reply.body)
        return reply

    def _dated(self, upload: re.Match[bytes]) -> bytes:
        name = UPLOAD_ID.search(upload[0])
        begun = self._begun.get(name[1], b"") if name else b""
        return INITIATED.sub(b"<Initiated>" + begun + b"</Initiated>", upload[0]) if begun else upload[0]
