"""What is known about the request or job that is being served: for logs, audit and problems."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RequestContext:
    """Empty strings where nothing is known."""

    request_id: str = ""
    ip: str = ""
    user_agent: str = ""
    job_id: str = ""


_current: ContextVar[RequestContext] = ContextVar("request_context", default=RequestContext())  # noqa: B039 - it is frozen


def current() -> RequestContext:
    """The context of this thread of work."""
    return _current.get()


@contextmanager
def use(context: RequestContext) -> Iterator[RequestContext]:
    """Make `context` the current one inside the block."""
    token = _current.set(context)
    try:
        yield context
    finally:
        _current.reset(token)
