"""Port: acts of the admin that want a confirmation of the last minutes. Who knows how people sign in fills it."""

from collections.abc import Callable
from dataclasses import dataclass

from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class StepUp:
    """`is_recent(request)` says whether the person confirmed lately; `address(back)` is the page where they do.

    `back` is a path of this site to which that page returns; empty, it says that the window may be closed.
    """

    is_recent: Callable[[HttpRequest], bool]
    address: Callable[[str], str]


_registered: list[StepUp] = []


def register(step_up: StepUp) -> None:
    """Name the one way to confirm; a later registration replaces the earlier one."""
    _registered[:] = [step_up]


def is_recent(request: HttpRequest) -> bool:
    """Whether the signed-in person proved again, in the last minutes, who they are."""
    return _port().is_recent(request)


def address(back: str = "") -> str:
    """Where to confirm, and where to go afterwards."""
    return _port().address(back)


def _port() -> StepUp:
    if not _registered:
        raise ImproperlyConfigured("No app registered a step-up: nothing that asks for a confirmation can be done.")
    return _registered[0]
