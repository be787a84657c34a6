"""What the models below ask of the actions above them. django-otp calls a device; the act itself is an action's."""

from typing import Any, Protocol


class Verifier(Protocol):
    """Judges a code for a device and consumes it when it is right."""

    def __call__(self, *, device: Any, code: str) -> bool:
        """Whether the code was right; it is used up then."""


_verifiers: dict[str, Verifier] = {}


def register_verifier(method: str, verifier: Verifier) -> None:
    """Name the action that judges codes of a method (`totp`, `backup_code`)."""
    _verifiers[method] = verifier


def verify(method: str, *, device: Any, code: str) -> bool:
    """Ask the action that is registered for the method."""
    return _verifiers[method](device=device, code=code)
