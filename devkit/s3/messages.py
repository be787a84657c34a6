"""What comes in and what goes out, without sockets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

Pairs = list[tuple[str, str]]
UNSIGNED = {"x-amz-signature"}


@dataclass(frozen=True)
class Request:
    """A request as it was sent: `path` and `query` still percent-encoded, names of `headers` in lower case.

    `complete` is False when the client went away before it had sent the body that it announced.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes = b""
    complete: bool = True

    @property
    def bucket(self) -> str:
        """The first part of the path."""
        return unquote(self.path).lstrip("/").partition("/")[0]

    @property
    def key(self) -> str:
        """What follows the bucket."""
        return unquote(self.path).lstrip("/").partition("/")[2]

    @property
    def pairs(self) -> Pairs:
        """The members of the query, decoded; a plus sign means itself, as in S3's signatures."""
        parts = [part.partition("=") for part in self.query.split("&") if part]
        return [(unquote(name), unquote(value)) for name, _, value in parts]

    @property
    def parameters(self) -> dict[str, str]:
        """The same by their names in lower case."""
        return {name.lower(): value for name, value in self.pairs}


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
