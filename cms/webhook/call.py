"""One POST to an endpoint: bounded in time, to the very address that was checked, following no redirect."""

import errno
import http.client
import io
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cms.webhook.address import Address, Refused, parse, require_public, resolve

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

MOST_ADDRESSES = 3  # that are tried: a name may have hundreds, each of which lets us wait
CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 10.0
TAKEN = range(200, 300)
GONE = 410
REASON_MAX = 300


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: a status, or none with the reason; `error` is empty when the message was taken.

    With `final` another try is useless.
    """

    status: int | None
    error: str
    final: bool = False


def post(url: str, body: bytes, headers: Mapping[str, str]) -> Answer:
    """Send the body and return the answer; never raises for what the other side does."""
    try:
        address = parse(url)
        status = _send(address, body, headers)
    except Refused as refusal:
        return Answer(None, str(refusal), final=True)
    except TimeoutError:
        return Answer(None, "The endpoint did not answer in time.")
    except (OSError, UnicodeError, http.client.HTTPException) as fault:
        return Answer(None, _in_words(fault))
    if status in TAKEN:
        return Answer(status, "")
    return Answer(status, f"The endpoint answered {status}.", final=status == GONE)


def _in_words(fault: Exception) -> str:
    """Why there was no answer, for staff; the system's own text only where we know nothing better."""
    match fault:
        case ConnectionRefusedError():
            return "The endpoint refused the connection."
        case ConnectionError():
            return "The endpoint broke the connection off."
        case socket.gaierror(errno=socket.EAI_AGAIN):
            return "The name of the endpoint could not be looked up."
        case socket.gaierror() | UnicodeError():
            return "The name of the endpoint is unknown."
        case ssl.SSLCertVerificationError():
            return f"The endpoint's certificate is not valid: {fault.verify_message}."
        case ssl.SSLError():
            return "No secure connection (TLS) to the endpoint came about."
        case http.client.HTTPException():
            return "What the endpoint answered is not HTTP."
        case OSError(errno=errno.EHOSTUNREACH | errno.ENETUNREACH):
            return "The endpoint's network cannot be reached."
    return f"The endpoint could not be reached: {fault}"[:REASON_MAX]


def _send(address: Address, body: bytes, headers: Mapping[str, str]) -> int:
    # The name is asked for once, and the call goes to what was checked: a second answer (DNS rebinding) is no way in.
    connection = _Pinned(address, resolve(address))
    try:
        connection.request("POST", address.path, body, dict(headers))
        return connection.getresponse().status  # the body is of no interest, and may have no end
    finally:
        connection.close()


class _Until(io.RawIOBase):
    """What a socket receives until an instant. Its own timeout begins anew with every byte that comes."""

    def __init__(self, received: socket.socket, until: float) -> None:
        super().__init__()
        self._received, self._until = received, until

    def readable(self) -> bool:
        """It is there to be read."""
        return True

    def readinto(self, buffer: "WriteableBuffer", /) -> int:
        """Take what has come; raises TimeoutError at the instant."""
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._received.settimeout(left)
        return self._received.recv_into(buffer)


class _Answered(http.client.HTTPResponse):
    """An answer whose head, with every `100 Continue` before it, is there within the seconds allowed."""

    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp.close()
        self.fp = io.BufferedReader(_Until(sock, time.monotonic() + ANSWER_SECONDS))


class _Pinned(http.client.HTTPConnection):
    """A connection to one of these IP addresses, with TLS for the name where the address is secure."""

    response_class = _Answered

    def __init__(self, address: Address, ips: list[str]) -> None:
        super().__init__(address.host, address.port, timeout=ANSWER_SECONDS)
        self._address, self._ips = address, ips[:MOST_ADDRESSES]
        self.default_port = 443 if address.secure else 80  # names the port in `Host` only where it is another

    def connect(self) -> None:
        """Connect to the first address that answers."""
        plain = self._connected()
        try:
            require_public(str(plain.getpeername()[0]))
            plain.settimeout(ANSWER_SECONDS)
            secure = self._address.secure
            context = ssl.create_default_context() if secure else None
            self.sock = context.wrap_socket(plain, server_hostname=self._address.host) if context else plain
        except BaseException:
            plain.close()
            raise

    def _connected(self) -> socket.socket:
        for ip in self._ips[:-1]:
            try:
                return socket.create_connection((ip, self._address.port), CONNECT_SECONDS)
            except OSError:
                continue
        return socket.create_connection((self._ips[-1], self._address.port), CONNECT_SECONDS)
