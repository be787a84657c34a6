"""The family of refusals. Each class has a stable `code`; one handler makes problems (RFC 9457) of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault: `pointer` is a JSON pointer into the body (`#/email`), else `parameter` names a query parameter."""

    code: str
    detail: str
    pointer: str = ""
    parameter: str = ""
    members: Mapping[str, Any] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """The member of a problem's `errors`."""
        place = {"parameter": self.parameter} if self.parameter else {"pointer": self.pointer or "#"}
        return {**place, "code": self.code, "detail": self.detail, **self.members}


class DomainError(Exception):
    """A refusal with a status and a code; a subclass that sets `code` is listed under `/docs/errors/`."""

    status: ClassVar[int] = 400
    code: ClassVar[str] = ""
    title: ClassVar[str] = "The request cannot be carried out"
    about: ClassVar[str] = ""
    registry: ClassVar[dict[str, type["DomainError"]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "code" not in cls.__dict__:
            return
        known = DomainError.registry.setdefault(cls.code, cls)
        if known is not cls and known.__qualname__ != cls.__qualname__:
            raise TypeError(f"Problem code {cls.code!r} belongs to {known.__module__}.{known.__qualname__}.")

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldError] = (),
        members: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.detail = detail or self.title + "."
        self.errors = tuple(errors)
        self.members = dict(members or {})
        self.headers = dict(headers or {})
        super().__init__(self.detail)

    @property
    def in_one_line(self) -> str:
        """What to tell a person who sees no form: the detail, and each fault's."""
        return " ".join([self.detail, *(fault.detail for fault in self.errors)])


class ValidationFailed(DomainError):
    """The input breaks its schema; `errors` names each place."""

    code = "validation_error"
    title = "The request is not valid"
    about = "Members or parameters are missing, unknown, of the wrong type or out of range; `errors` names each."

    def __init__(self, detail: str | None = None, *, errors: Sequence[FieldError] = (), **kwargs: Any) -> None:
        count = len(errors)
        super().__init__(
            detail or ("1 field needs attention." if count == 1 else f"{count} fields need attention."),
            errors=errors,
            **kwargs,
        )


class BadRequest(DomainError):
    """Django found the request itself suspicious."""

    code = "bad_request"
    title = "The request was refused"
    about = "The request's host, headers or size are not acceptable."


class MalformedJson(DomainError):
    """The body is not JSON as RFC 8259 and this API want it."""

    code = "malformed_json"
    title = "The body is not valid JSON"
    about = "The body must be UTF-8 JSON without duplicate keys, infinite numbers or NUL, at most 32 levels deep."


class NotAuthenticated(DomainError):
    """No credential was given."""

    status = 401
    code = "not_authenticated"
    title = "Sign in first"
    about = "The request needs a credential in the Authorization header, and none was given."

    def __init__(self, detail: str | None = None, **kwargs: Any) -> None:
        kwargs.setdefault("headers", {"WWW-Authenticate": 'Bearer realm="api"'})
        super().__init__(detail, **kwargs)


class PermissionDenied(DomainError):
    """Known, but not allowed."""

    status = 403
    code = "permission_denied"
    title = "You may not do this"
    about = "You are signed in, but your roles do not include the permission that this needs."


class CsrfFailed(PermissionDenied):
    """A form without its token, or a call from a foreign origin."""

    code = "csrf_failed"
    title = "The request did not come from our own page"
    about = "A form's token is missing or old, or the call's Origin is not one of ours. Reload the page and repeat."


class NotFound(DomainError):
    """Not there, or not yours."""

    status = 404
    code = "not_found"
    title = "There is nothing here"
    about = "Nothing is at this address, or it is not yours to see; the answer does not tell which."


class Gone(DomainError):
    """Was public and is no more."""

    status = 410
    code = "gone"
    title = "This is no longer available"
    about = "What stood at this address was public once and has been withdrawn."


class MethodNotAllowed(DomainError):
    """The path exists, the method does not."""

    status = 405
    code = "method_not_allowed"
    title = "This method is not allowed here"
    about = "The address exists but does not take this method; the Allow header lists those that it takes."


class NotAcceptable(DomainError):
    """The client wants no JSON."""

    status = 406
    code = "not_acceptable"
    title = "Only JSON is served here"
    about = "The Accept header excludes application/json, the only type that this API answers with."


class Conflict(DomainError):
    """A state or a race stands in the way; subclass it with a code."""

    status = 409


class LengthRequired(DomainError):
    """A body without Content-Length."""

    status = 411
    code = "length_required"
    title = "The length of the body must be given"
    about = "A request with a body needs a Content-Length header; chunked bodies are not taken."


class PreconditionFailed(DomainError):
    """A stale If-Match."""

    status = 412
    code = "precondition_failed"
    title = "The item has changed meanwhile"
    about = "If-Match names an older version. Read the item again, then repeat the change on it."


class PayloadTooLarge(DomainError):
    """More bytes than this kind of request may have."""

    status = 413
    code = "payload_too_large"
    title = "The body is too large"
    about = "The body is larger than this address takes: 16 KiB, for content 1 MiB, for webhooks 512 KiB."


class UnsupportedMediaType(DomainError):
    """Not JSON."""

    status = 415
    code = "unsupported_media_type"
    title = "Only JSON is taken here"
    about = "The Content-Type of the body must be application/json."


class Unprocessable(DomainError):
    """Understood but impossible; subclass it with a code."""

    status = 422


class PreconditionRequired(DomainError):
    """No If-Match where one is needed."""

    status = 428
    code = "precondition_required"
    title = "If-Match is required"
    about = "Send the ETag of the version that you read in If-Match, so that nobody's change is overwritten."


class _Waiting(DomainError):
    """A refusal that passes: it carries whole seconds to wait."""

    def __init__(self, detail: str | None = None, *, retry_after: float = 1, **kwargs: Any) -> None:
        self.retry_after = max(1, int(-(-retry_after // 1)))
        members = {"retry_after": self.retry_after, **kwargs.pop("members", {})}
        headers = {"Retry-After": str(self.retry_after), **kwargs.pop("headers", {})}
        super().__init__(detail, members=members, headers=headers, **kwargs)


class RateLimited(_Waiting):
    """Too many requests; `retry_after` is in whole seconds."""

    status = 429
    code = "rate_limited"
    title = "Too many requests"
    about = "A limit of this address was reached. Wait for the seconds in Retry-After, then repeat the request."


class InternalError(DomainError):
    """A fault of ours."""

    status = 500
    code = "internal_error"
    title = "Something went wrong here"
    about = "A fault on our side. It was recorded under the request id of the answer."


class BadGateway(DomainError):
    """A provider refused what we sent; subclass it with a code."""

    status = 502


class Unavailable(_Waiting):
    """Something we need is away or not configured; subclass it with a code."""

    status = 503


class DatabaseUnavailable(Unavailable):
    """PostgreSQL does not answer."""

    code = "database_unavailable"
    title = "The database is away"
    about = "The database does not answer. Repeat the request after the seconds in Retry-After."


class LimiterUnavailable(Unavailable):
    """The store of a limit that fails closed is away."""

    code = "limiter_unavailable"
    title = "Sign-in is paused for a moment"
    about = "The store that counts sign-in attempts is away, and sign-in is guarded by it. Repeat the request shortly."
