"""Refusals of `Idempotency-Key`."""

from typing import Any

from common.errors import Conflict, DomainError, Unprocessable


class IdempotencyKeyRequired(DomainError):
    """No key where one is required."""

    code = "idempotency_key_required"
    title = "An Idempotency-Key is required"
    about = (
        "This request creates something that must not be created twice. Send a fresh UUID in the Idempotency-Key "
        "header, and the same one when you repeat the request."
    )


class InvalidIdempotencyKey(DomainError):
    """A key that is empty, too long, not printable, or not a UUID where it must be one."""

    code = "invalid_idempotency_key"
    title = "The Idempotency-Key is not valid"
    about = "A key is 1 to 255 printable ASCII characters, bare or in quotes; without a credential it must be a UUID."


class IdempotencyKeyReused(Unprocessable):
    """The key came before, with another body."""

    code = "idempotency_key_reused"
    title = "The Idempotency-Key belongs to another request"
    about = "The same key was sent within 24 hours with another body or path. Use a fresh key for a new request."


class RequestInProgress(Conflict):
    """The first request with this key is still running."""

    code = "request_in_progress"
    title = "The same request is still running"
    about = "A request with this key has not finished. Repeat it after the seconds in Retry-After to get its answer."

    def __init__(self, detail: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("members", {"retry_after": 1})
        kwargs.setdefault("headers", {"Retry-After": "1"})
        super().__init__(detail, **kwargs)
