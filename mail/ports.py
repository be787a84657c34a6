"""What higher apps tell mail: who the Owners are, and what *Send again* does for a template of theirs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import UUID

from common.actor import Actor
from mail.constants import ALERT_TEMPLATE


@dataclass(frozen=True, slots=True)
class SentMail:
    """A message that is to be sent again: enough to find what it was about. Its secrets are not in it."""

    id: UUID
    template: str
    to: str
    key: str
    context: Mapping[str, Any]


class Resend(Protocol):
    """Makes a new message in place of `mail` (a new token, a derived one), by `mail.actions.send` with a new key."""

    def __call__(self, *, mail: SentMail, by: Actor) -> None: ...


_owners: list[Callable[[], list[str]]] = []
_resends: dict[str, Resend] = {}
_repeatable: set[str] = set()


def register_owners(fn: Callable[[], list[str]]) -> None:
    """Register who returns the Owners' addresses; alerts go there when ALERT_EMAIL is empty."""
    _owners[:] = [fn]


def register_resend(template: str, fn: Resend) -> None:
    """Register what *Send again* calls for `template`, inside a transaction that also holds the audit event."""
    _resends[template] = fn


def register_repeatable(template: str) -> None:
    """Allow a second mail of `template` where nobody knows whether the first one left."""
    _repeatable.add(template)


def owners() -> list[str]:
    """Return the Owners' addresses."""
    return [address for fn in _owners for address in fn()]


def resend_of(template: str) -> Resend | None:
    """Return what was registered for `template`."""
    return _resends.get(template)


def is_repeatable(template: str) -> bool:
    """Say whether a second mail of `template` does no harm."""
    return template in _repeatable


register_repeatable(ALERT_TEMPLATE)
