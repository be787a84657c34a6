"""The system as it runs: PostgreSQL, Valkey, a mail provider, the web process and the runner, each to be taken away.

All of them are real processes of this machine but the provider, which is the stand-in. The database is a copy of the
test session's, so that nothing has to be migrated.
"""

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg

from config import settings_test
from devkit.postgres import Postgres, find_binaries
from devkit.processes import LOOPBACK, free_port, last_lines, port_is_free
from devkit.sendgrid import SendGrid
from devkit.testing import CHECKOUT
from devkit.valkey import Valkey

READY_SECONDS = 90
ENVIRONMENT = {
    "DJANGO_ENV": "test",
    "DJANGO_SETTINGS_MODULE": "config.settings",
    "EMAIL_PROVIDER": "sendgrid",
    "SENDGRID_API_KEY": "sg-key",
    "STORAGE": "local",
    "RATE_PUBLIC_WRITE": "1000/m",
    **{name: os.environ[name] for name in ("SECRET_KEY", "FIELD_KEY", "JWT_REFRESH_SECRET", "JWT_SECRET")},
}
SEED = """
import django; django.setup()
from bookings.tests.factories import make_offer
make_offer(mode="request", resource=None, opened=False)
"""
assert settings_test.DJANGO_ENV == "test"  # its import has set the secrets that are copied above


@dataclass
class Answer:
    """What came back, and how long it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Stack:
    """The parts. Each test leaves them as it found them: all there."""

    postgres: Postgres
    valkey: Valkey
    provider: SendGrid
    folder: Path
    port: int = field(default_factory=free_port)
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self) -> None:
        """Seed, start the web process and the runner, and wait until both are there."""
        seeding = self._spawn("seed", "-c", SEED)
        serve = ["--interface", "wsgi", "config.wsgi:application", "--host", LOOPBACK, "--port", str(self.port)]
        self._spawn("web", "-m", "granian", *serve, "--workers", "1", "--blocking-threads", "4", "--no-ws")
        self._spawn("runner", "manage.py", "run_jobs")
        assert seeding.wait(READY_SECONDS) == 0, self.log("seed")
        wait_until(lambda: not port_is_free(self.port) and self.get("/healthz").status == 200, self.log("web"))
        wait_until(lambda: self.sql("SELECT count(*) FROM job WHERE state = 'done'")[0][0] > 0, self.log("runner"))

    def _spawn(self, name: str, *arguments: str) -> subprocess.Popen[bytes]:
        env = {
            **{name: value for name, value in os.environ.items() if not name.startswith("RATE_")},
            **ENVIRONMENT,
            "PUBLIC_URL": f"http://{LOOPBACK}:{self.port}",
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.valkey.url,
            "ANYMAIL_SENDGRID_API_URL": self.provider.api_url,
        }
        with (self.folder / f"{name}.log").open("wb") as log:
            process = subprocess.Popen([sys.executable, *arguments], cwd=CHECKOUT, env=env, stdout=log, stderr=log)
        self.processes[name] = process
        return process

    def stop(self) -> None:
        """End the processes at once: they hold nothing that anybody wants to keep."""
        for process in self.processes.values():
            process.kill()
            process.wait()

    def log(self, name: str) -> str:
        return last_lines(self.folder / f"{name}.log")

    def is_alive(self) -> bool:
        """Whether web and runner are still the processes that were started."""
        return all(self.processes[name].poll() is None for name in ("web", "runner"))

    def get(self, path: str, **headers: str) -> Answer:
        return self._ask("GET", path, None, headers)

    def book(self) -> Answer:
        """Ask for a booking: a request that enqueues a mail."""
        body = {
            "service": "discovery-workshop",
            "customer": {"name": "Brian Mwangi", "email": "brian@example.org", "phone": "+254711000000"},
            "consent": True,
        }
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid4())}
        return self._ask("POST", "/api/bookings", json.dumps(body), headers)

    def _ask(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Answer:
        connection = http.client.HTTPConnection(LOOPBACK, self.port, timeout=20)
        began = time.monotonic()
        try:
            connection.request(method, path, body, dict(headers))
            answer = connection.getresponse()
            content = answer.read()
            return Answer(answer.status, answer.headers, content, time.monotonic() - began)
        finally:
            connection.close()

    def sql(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.url, autocommit=True) as connection:
            cursor = connection.execute(query)
            return cursor.fetchall() if cursor.description else []

    def cache_check(self) -> dict[str, Any]:
        return dict(self.get("/health").json["checks"]["cache"])

    @contextmanager
    def paused(self, pid: int) -> Iterator[None]:
        """Stop a process in its steps: it holds its connections and accepts more, and never answers."""
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


def wait_until(is_so: Any, why: str = "", *, seconds: float = READY_SECONDS) -> None:
    """Wait for something that must happen; what goes wrong meanwhile is part of the wait."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if is_so():
                return
        except (OSError, http.client.HTTPException, psycopg.Error):
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline, f"did not happen in {seconds} s: {why}"
        time.sleep(0.05)


def copy_database(source: str, target: str) -> None:
    """Copy tables and rows, as `pg_dump` does."""
    programs = find_binaries()
    dump = subprocess.run([programs / "pg_dump", "--no-owner", source], capture_output=True, check=True, cwd="/")
    restore = [programs / "psql", "--quiet", "--set", "ON_ERROR_STOP=1", target]
    subprocess.run(restore, input=dump.stdout, stdout=subprocess.DEVNULL, check=True, cwd="/")
