"""A request as it came and an answer as it goes, without the network."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """Header names are lower case; the query is still encoded."""

    method: str
    path: str
    query: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass
class Answer:
    """``cut`` closes the connection instead of answering."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    cut: bool = False
