"""One HTTP request as a stranger or a browser sends it: no SDK, no redirects, no retries."""

from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from uploads.errors import StorageUnavailable

TIMEOUT_SECONDS = 10
MOST_BYTES = 64 * 1024


@dataclass(frozen=True)
class Reply:
    """What came back; names of `headers` in lower case, `body` cut at 64 KB."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def refused(self) -> bool:
        """Whether the request was at fault, in the store's eyes."""
        return 400 <= self.status < 500


def send(method: str, url: str, content: bytes = b"", headers: Mapping[str, str] | None = None) -> Reply:
    """Send the request. Raises `StorageUnavailable` when nobody answers."""
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=TIMEOUT_SECONDS)
    target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    try:
        connection.request(method, target, body=content or None, headers=dict(headers or {}))
        return _reply(connection.getresponse())
    except (OSError, HTTPException) as error:
        raise StorageUnavailable from error
    finally:
        connection.close()


def _reply(response: HTTPResponse) -> Reply:
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, headers, response.read(MOST_BYTES))
