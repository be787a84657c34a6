"""Refusals with S3's codes and statuses (Amazon S3 API reference, "Error responses")."""

from uuid import uuid4
from xml.sax.saxutils import escape

from devkit.s3.messages import Answer

MALFORMED, FORBIDDEN, LENGTH_REQUIRED, CHANGED, ABSENT, AWAY = 400, 403, 411, 412, 501, 503


class Refusal(Exception):
    """A request that the store does not carry out."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def answer(self) -> Answer:
        """The document of the error."""
        request_id = uuid4().hex[:16].upper()
        body = (
            '<?xml version="1.0" encoding="UTF-8"?>\n'
            f"<Error><Code>{self.code}</Code><Message>{escape(str(self))}</Message>"
            f"<RequestId>{request_id}</RequestId></Error>"
        )
        headers = {"Content-Type": "application/xml", "x-amz-request-id": request_id}
        return Answer(self.status, headers, body.encode())


def denied(message: str = "Access Denied") -> Refusal:
    """403: whoever asks may not do this."""
    return Refusal(FORBIDDEN, "AccessDenied", message)


def absent(what: str) -> Refusal:
    """501: a feature that R2 does not have, or that this stand-in leaves out."""
    return Refusal(ABSENT, "NotImplemented", f"{what} is not implemented.")


def bad_digest(algorithm: str) -> Refusal:
    """400: the body is not the one that the checksum names."""
    return Refusal(MALFORMED, "BadDigest", f"The {algorithm} you specified did not match the calculated checksum.")
