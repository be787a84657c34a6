"""How a value comes from the environment: `NAME`, or the file that `NAME_FILE` points to.

Built on django-environ. A missing required value ends the start with one plain sentence that names the variable.
"""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, TypeVar
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured

GENERATED = frozenset({"SECRET_KEY", "FIELD_KEY", "JWT_REFRESH_SECRET"})
T = TypeVar("T")
UNITS_IN_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Environment:
    """Reads names once each and remembers them, so that a test can compare them with `.env.example`."""

    def __init__(self, env_file: Path) -> None:
        self.source = environ.FileAwareEnv()
        self.names: set[str] = set()
        if env_file.is_file() and os.environ.get("DJANGO_ENV") != "test":
            self.source.read_env(env_file)

    def text(self, name: str, default: str = "") -> str:
        """The value without surrounding white space, or `default` when it is unset or empty."""
        self.names.add(name)
        return str(self.source.str(name, default="")).strip() or default

    def required(self, name: str, meaning: str) -> str:
        """The value, or the end of the start with a sentence."""
        value = self.text(name)
        if not value:
            hint = " `python manage.py generate_secrets` prints one to paste." if name in GENERATED else ""
            refuse(f"{name} is not set: {meaning}.{hint}")
        return value

    def items(self, name: str, default: str = "") -> list[str]:
        """A comma-separated list without empty members."""
        return members(self.text(name, default))

    def number(self, name: str, default: int, *, least: int = 0, most: int | None = None) -> int:
        """A whole number within its bounds."""
        raw = self.text(name, str(default))
        if not re.fullmatch(r"\d{1,12}", raw) or int(raw) < least or (most is not None and int(raw) > most):
            bounds = f"{least} or more" if most is None else f"{least} to {most}"
            refuse(f"{name} is {raw!r}: it must be a whole number, {bounds}.")
        return int(raw)

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """One of a few words."""
        value = self.text(name, default)
        if value not in allowed:
            refuse(f"{name} is {value!r}: it must be one of {', '.join(allowed)}.")
        return value

    def seconds(self, name: str, default: str) -> int:
        """A duration such as `90s`, `15m`, `24h` or `7d`, in seconds."""
        raw = self.text(name, default)
        match = re.fullmatch(r"(\d{1,6})([smhd])", raw)
        if not match:
            refuse(f"{name} is {raw!r}: write a duration such as 90s, 15m, 24h or 7d.")
        return int(match[1]) * UNITS_IN_SECONDS[match[2]]

    def parsed(self, name: str, value: str, parse: Callable[[str], T], wanted: str) -> T:
        """`value` of `name` through `parse`; where that refuses, a sentence without the value, which may be secret."""
        try:
            return parse(value)
        except (ValueError, TypeError, LookupError, ImproperlyConfigured):
            refuse(f"{name} cannot be read: write {wanted}.")


def members(raw: str) -> list[str]:
    """The members of a comma-separated list, without empty ones."""
    return [part.strip() for part in raw.split(",") if part.strip()]


def scheme_of(*allowed: str) -> Callable[[str], str]:
    """A parser that takes addresses of these schemes only, with a host and a readable port, or none at all."""

    def parse(address: str) -> str:
        parts = urlsplit(address)
        if address and (parts.scheme not in allowed or not (parts.netloc or parts.path) or parts.port == 0):
            raise ValueError(parts.scheme)
        return address

    return parse


def refuse(sentence: str) -> NoReturn:
    """End the start with one plain sentence; a command prints it without a traceback."""
    if Path(sys.argv[0]).name in {"manage.py", "celery"}:
        sys.exit(f"Cannot start: {sentence}")
    raise ImproperlyConfigured(sentence)
