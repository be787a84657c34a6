"""What one `make run` will do, decided from the environment and `.env` before anything starts."""

import os
import random
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from devkit.env_file import EnvFile, twin_addresses
from devkit.processes import LauncherError, port_is_free

DEFAULT_PORT = 5000
LARGEST_PORT = 65534
"""The twin listens on the next one."""
DATABASE = "studio"
DATABASE_PORTS = range(15432, 15532)
"""Below the range from which systems take ports for outgoing connections."""
OWN_DATABASE = re.compile(r"postgres(?:ql)?://postgres@127\.0\.0\.1:(\d+)/" + DATABASE)
TWIN_BASE = re.compile(r"http://127\.0\.0\.1:\d+/?")


@dataclass(frozen=True)
class Plan:
    """Where things listen, and which of the servers are ours to start."""

    port: int
    database_port: int | None
    """None: the address of another database is given."""
    twin: bool
    webhook_secret: str

    @property
    def twin_port(self) -> int:
        """The Stripe twin's port."""
        return self.port + 1


def plan(env_file: EnvFile, environ: Mapping[str, str] = os.environ) -> Plan:
    """Read what is given, write `.env` the first time, and keep its ports in step afterwards.

    Raises LauncherError when the port is no port or `.env` is for another mode than local.
    """
    port = _port(environ.get("PORT") or env_file.get("PORT") or str(DEFAULT_PORT))
    if not env_file.exists:
        env_file.fill(port=port, database_url=database_url(free_database_port()))
    _require_local(environ.get("DJANGO_ENV") or env_file.get("DJANGO_ENV"))
    env_file.set("PORT", str(port))
    if TWIN_BASE.fullmatch(env_file.get("STRIPE_API_BASE")):
        for name, value in twin_addresses(port).items():
            env_file.set(name, value)
    if not env_file.get("DATABASE_URL"):
        env_file.set("DATABASE_URL", database_url(free_database_port()))
    env_file.save()
    base = environ.get("STRIPE_API_BASE") or env_file.get("STRIPE_API_BASE")
    secret = environ.get("STRIPE_WEBHOOK_SECRET") or env_file.get("STRIPE_WEBHOOK_SECRET")
    own = None if environ.get("DATABASE_URL") else OWN_DATABASE.fullmatch(env_file.get("DATABASE_URL"))
    return Plan(
        port=port,
        database_port=int(own[1]) if own else None,
        twin=base.rstrip("/") == twin_addresses(port)["STRIPE_API_BASE"],
        webhook_secret=secret.split(",")[0].strip(),
    )


def database_url(port: int) -> str:
    """Return the address of our own database, by whose form a later run knows it."""
    return f"postgresql://postgres@127.0.0.1:{port}/{DATABASE}"


def free_database_port() -> int:
    """Return a port for our own database."""
    candidates = random.sample(DATABASE_PORTS, len(DATABASE_PORTS))  # two checkouts may look at once
    return next((port for port in candidates if port_is_free(port)), DATABASE_PORTS[0])


def _port(text: str) -> int:
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= LARGEST_PORT:
        raise LauncherError(f"PORT is {text!r}: it must be a number from 1 to {LARGEST_PORT}.")
    return int(text)


def _require_local(mode: str) -> None:
    if mode != "local":
        raise LauncherError(
            f"DJANGO_ENV is {mode!r}, and `make run` is for local mode: put DJANGO_ENV=local into .env."
        )


def make_folders(var: Path) -> None:
    """Make the folders of logs and of the names of running processes."""
    for name in ("log", "run"):
        (var / name).mkdir(parents=True, exist_ok=True)
