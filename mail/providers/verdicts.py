"""Says what a failed call to a mail provider means."""

import re
import smtplib
import socket
from collections.abc import Iterator
from enum import Enum

from anymail.exceptions import AnymailError, AnymailRecipientsRefused
from django.core.exceptions import ImproperlyConfigured
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

from mail.errors import NotHandedOver

RETRY_STATUSES = frozenset({408, 425, 429})
SERVER_ERROR = 500
SMTP_PERMANENT = 500
NO_SUCH_ADDRESS = frozenset({521, 550, 551, 553, 556})  # RFC 5321 §4.2.3, RFC 7504
NOT_ABOUT_THE_ADDRESS = re.compile(r"\s*5\.(?!1\.|2\.[01]\b)")  # RFC 3463 §3: but for 5.1 and 5.2.0 to 5.2.1
NEVER_CONNECTED = (ConnectionRefusedError, socket.gaierror, NewConnectionError, ConnectTimeoutError, NotHandedOver)


class Verdict(Enum):
    """`UNKNOWN`: the mail may have left, so that sending it again may send it twice.

    `BOUNCED`: the address takes no mail, and no attempt nor operator can help; `PERMANENT`: an operator may.
    """

    RETRY = "retry"
    PERMANENT = "permanent"
    BOUNCED = "bounced"
    UNKNOWN = "unknown"


def judge(error: Exception, *, connected: bool) -> Verdict:
    """Judge a fault by the provider's status where there is one, else by how far the call came.

    `connected` is false while an SMTP session is still being opened, when nothing can have been sent.
    """
    if isinstance(error, AnymailRecipientsRefused):
        return Verdict.BOUNCED
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return Verdict.RETRY if status in RETRY_STATUSES or status >= SERVER_ERROR else Verdict.PERMANENT
    if isinstance(error, smtplib.SMTPResponseException):
        return _by_smtp_code(error.smtp_code)
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return _by_recipient(*next(iter(error.recipients.values()), (SMTP_PERMANENT, b"")))
    if isinstance(error, ImproperlyConfigured):
        return Verdict.PERMANENT
    if not connected or any(isinstance(cause, NEVER_CONNECTED) for cause in _causes(error)):
        return Verdict.RETRY
    if isinstance(error, OSError):  # timeouts and broken connections, also requests' and smtplib's
        return Verdict.UNKNOWN
    return Verdict.PERMANENT if isinstance(error, AnymailError | ValueError) else Verdict.UNKNOWN


def _by_smtp_code(code: int) -> Verdict:
    """RFC 5321 §4.2.1: 4yz is transient, 5yz permanent."""
    return Verdict.PERMANENT if code >= SMTP_PERMANENT else Verdict.RETRY


def _by_recipient(code: int, text: bytes | str) -> Verdict:
    """Whether the address is refused for good, or we are: for want of a login, by a policy, for a while."""
    said = text.decode("utf-8", "replace") if isinstance(text, bytes) else text
    if code in NO_SUCH_ADDRESS and not NOT_ABOUT_THE_ADDRESS.match(said):
        return Verdict.BOUNCED
    return _by_smtp_code(code)


def _causes(error: BaseException) -> Iterator[object]:
    """Yield the fault and what it came from; urllib3 hides the first cause in `reason` of an argument."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        yield from (getattr(argument, "reason", None) for argument in seen.args)
        seen = seen.__cause__ or seen.__context__
