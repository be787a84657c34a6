"""Where a row plays: servers, the studio's processes, and the ways to kill them and to look at what is left."""

import contextlib
import math
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import psycopg
from psycopg import sql

from benchmarks import servers
from devkit.children import Child
from devkit.local import make_folders
from devkit.postgres import Postgres
from devkit.processes import LOOPBACK, LauncherError, free_port, peek, wait_until
from devkit.template_database import schema_fingerprint
from devkit.valkey import Valkey

CHECKOUT = Path(__file__).resolve().parents[2]
VAR = CHECKOUT / "var" / "faults"
DATABASE = "faults"
START_SECONDS = 60
SHELL_SECONDS = 120
PAUSE_SECONDS = 0.05
SETTINGS = "tests.faults.settings"
CELERY = [sys.executable, "-m", "celery", "-A", "config", "worker", "--loglevel", "warning", "--concurrency", "2"]
CELERY += ["--queues", "default,mail,media", "--without-gossip", "--without-mingle"]


class Part(Protocol):
    """Something that a row may kill and bring back."""

    def start(self) -> None:
        """Start it, and wait until it is ready where readiness shows from outside."""

    def kill(self) -> None:
        """End it by SIGKILL, with everything that it started."""

    def stop(self) -> None:
        """End it politely."""


P = TypeVar("P", bound=Part)


class Process:
    """One of the studio's processes: each start is a process of its own with a log of its own."""

    def __init__(
        self, name: str, command: Sequence[str], *, env: Mapping[str, str], ready: Callable[[], bool] | None = None
    ) -> None:
        self.name = name
        self._command = list(command)
        self._env = dict(env)
        self._ready = ready
        self._count = 0
        self._child: Child | None = None
        self._wanted = False

    def start(self) -> None:
        """Start it. Raises LauncherError when it is not ready in time."""
        self._count += 1
        self._wanted = True
        child = self._child = Child(
            f"{self.name}-{self._count}", self._command, var=VAR, env=self._env, checkout=CHECKOUT
        )
        child.start()
        if self._ready is None:
            return
        if not wait_until(lambda: child.code() is not None or self._is_ready(), seconds=START_SECONDS):
            raise LauncherError(f"{self.name} is not ready: see {child.log}.")
        if child.code() is not None:
            raise LauncherError(f"{self.name} ended by itself: see {child.log}.")

    def _is_ready(self) -> bool:
        return self._ready is not None and self._ready()

    @property
    def pid(self) -> int:
        """Process id. Raises LauncherError when it was never started."""
        if self._child is None or self._child.process is None:
            raise LauncherError(f"{self.name} was not started.")
        return self._child.process.pid

    @property
    def starts(self) -> int:
        """How often it was started."""
        return self._count

    def running(self) -> bool:
        """Tell whether it lives."""
        return self._child is not None and self._child.process is not None and self._child.code() is None

    def supervise(self) -> None:
        """Start it again if it ended by itself, as a supervisor does."""
        if self._wanted and not self.running():
            self.stop()
            self.start()

    def children(self) -> list[int]:
        """Return the process ids of its direct children, oldest first."""
        return [int(word) for word in Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()]

    def kill(self) -> None:
        """SIGKILL to the whole group, as a lost machine would do."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self.stop()

    def kill_child(self, place: int = 0) -> None:
        """SIGKILL to one child, as the kernel does when memory is short."""
        os.kill(self.children()[place], signal.SIGKILL)

    def stop(self) -> None:
        """End it politely, whatever it has started by force."""
        self._wanted = False
        if self._child is not None:
            self._child.stop()


class Database:
    """The row's PostgreSQL as a part."""

    def __init__(self) -> None:
        self.server = Postgres(VAR / "pg", fsync=True)

    def start(self) -> None:
        """Start it, recovering whatever a kill left behind."""
        self.server.start()

    def kill(self) -> None:
        """SIGKILL to the whole cluster."""
        _kill_server(self.server)

    def stop(self) -> None:
        """Stop it."""
        self.server.stop()


class Broker:
    """The row's Valkey as a part."""

    def __init__(self, *, keeps: bool) -> None:
        self.server = Valkey(VAR / f"valkey-{secrets.token_hex(4)}", password="faults", appendonly=keeps)

    def start(self) -> None:
        """Start it with what its file holds, or empty."""
        self.server.start()

    def kill(self) -> None:
        """SIGKILL."""
        _kill_server(self.server)

    def freeze(self) -> None:
        """SIGSTOP: it accepts connections, and never answers."""
        if self.server.process:
            os.kill(self.server.process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        if self.server.process:
            os.kill(self.server.process.pid, signal.SIGCONT)

    def stop(self) -> None:
        """Stop it."""
        self.thaw()
        self.server.stop()


def _kill_server(server: Postgres | Valkey) -> None:
    child = server.process
    if child is None:
        return
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    wait_until(lambda: peek(child) is not None, seconds=START_SECONDS)
    server.stop()


class Stage:
    """One row's servers and processes; a context manager that ends them all."""

    def __init__(self, ends: float = math.inf) -> None:
        """Describe a stage on which nobody waits for longer than until `ends`, in monotonic seconds."""
        self._ends = ends
        self.database = Database()
        self.url = ""
        self.redis_url = ""
        self.sink_url = ""
        self.web_url = ""
        self._parts: list[Part] = []

    def __enter__(self) -> Self:
        shutil.rmtree(VAR / "log", ignore_errors=True)
        make_folders(VAR)
        try:
            self.database.start()
            self.url = self._fresh_database()
        except BaseException:
            self.database.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        for part in reversed(self._parts):
            part.stop()
        self.database.stop()

    def _fresh_database(self) -> str:
        server = self.database.server
        names = sql.Identifier(DATABASE), sql.Identifier(self._released())
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(names[0]))
            connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
        url = server.url_of(DATABASE)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute((Path(__file__).parent / "studio" / "tables.sql").read_text())
        return url

    def _released(self) -> str:
        """Return the name of a database to copy, made by `manage.py release` once a schema.

        In local mode: production's has the same tables and triggers, and refuses to be released without TLS.
        """
        server, name = self.database.server, f"released_{schema_fingerprint(CHECKOUT)}"
        with psycopg.connect(server.url, autocommit=True) as connection:
            if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
                return name
            unfinished = sql.Identifier(f"{name}_unfinished")
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(unfinished))
            connection.execute(sql.SQL("CREATE DATABASE {}").format(unfinished))
            env = os.environ | servers.settings(server.url_of(f"{name}_unfinished")) | {"DJANGO_ENV": "local"}
            command = [sys.executable, "manage.py", "release"]
            done = subprocess.run(command, cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False)
            if done.returncode:
                raise LauncherError(f"The database of the faults could not be released: {done.stderr.strip()[-300:]}")
            connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(unfinished, sql.Identifier(name)))
        return name

    # --- Processes ----------------------------------------------------------------------------------------------

    def env(self, more: Mapping[str, str] | None = None) -> dict[str, str]:
        """Return the environment of a process of this stage."""
        own = {"DJANGO_SETTINGS_MODULE": SETTINGS, "PYTHONPATH": os.fspath(CHECKOUT), "FAULTS_SINK": self.sink_url}
        return servers.settings(self.url) | own | {"CELERY_BROKER_URL": self.redis_url} | dict(more or {})

    def process(
        self,
        name: str,
        command: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        ready: Callable[[], bool] | None = None,
    ) -> Process:
        """Start a process in the checkout with this stage's environment, and wait until it is `ready`."""
        return self._begin(Process(name, command, env=self.env(env), ready=ready))

    def web(self, *, env: Mapping[str, str] | None = None) -> Process:
        """Start the web as the Procfile has it; `web_url` is its address."""
        port = free_port()
        self.web_url = f"http://{LOOPBACK}:{port}"
        command = servers.web_command(servers.APPLICATION, port)
        return self.process("web", command, env=env, ready=lambda: servers._answers(f"{self.web_url}/healthz"))

    def runner(self, *, env: Mapping[str, str] | None = None) -> Process:
        """Start `run_jobs`."""
        return self.process("runner", [sys.executable, "manage.py", "run_jobs"], env=env)

    def relay(self, *, env: Mapping[str, str] | None = None) -> Process:
        """Start `run_relay`; after `valkey()`."""
        return self.process("relay", [sys.executable, "manage.py", "run_relay"], env=env)

    def worker(self, *, env: Mapping[str, str] | None = None) -> Process:
        """Start a Celery worker with two children on all queues; after `valkey()`."""
        return self.process("worker", CELERY, env=env)

    def valkey(self, *, keeps: bool = True) -> Broker:
        """Start the broker; one that does not keep loses everything with its process."""
        broker = self._begin(Broker(keeps=keeps))
        self.redis_url = broker.server.url
        return broker

    def sink(self) -> Process:
        """Start the outside world: it counts calls, and answers a known key from memory."""
        port = free_port()
        self.sink_url = f"http://{LOOPBACK}:{port}"
        command = [sys.executable, "-m", "tests.faults.sink", str(port)]
        return self.process("sink", command, ready=lambda: servers._answers(f"{self.sink_url}/counts"))

    def _begin(self, part: P) -> P:
        self._parts.append(part)
        part.start()
        return part

    def supervise(self) -> None:
        """Start again whatever ended by itself."""
        for part in self._parts:
            if isinstance(part, Process):
                part.supervise()

    # --- Looking and waiting ------------------------------------------------------------------------------------

    def shell(self, code: str) -> str:
        """Run Python in a process with Django; return what it printed. Raises LauncherError when it fails."""
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
        env = os.environ | self.env()
        done = subprocess.run(
            command, cwd=CHECKOUT, env=env, capture_output=True, text=True, timeout=SHELL_SECONDS, check=False
        )
        if done.returncode:
            raise LauncherError(f"Planting failed: {done.stderr.strip().splitlines()[-1]}")
        return done.stdout.strip()

    def rows(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run one query on a connection of its own. Raises psycopg.Error when the database is away."""
        with psycopg.connect(self.url, autocommit=True, connect_timeout=2) as connection:
            return connection.execute(query, values or None).fetchall()

    def number(self, query: str, *values: Any) -> int:
        """Return the one number that the query asks for."""
        return int(self.rows(query, *values)[0][0])

    def wait(self, condition: Callable[[], bool], *, seconds: float, what: str) -> float:
        """Wait, outliving a database that is away; return the seconds it took. Raises TimeoutError.

        Meanwhile every process that ends by itself is started again.
        """
        began = time.monotonic()
        while time.monotonic() < min(began + seconds, self._ends):
            self.supervise()
            with contextlib.suppress(psycopg.OperationalError):
                if condition():
                    return time.monotonic() - began
            time.sleep(PAUSE_SECONDS)
        raise TimeoutError(f"{what}: not within {time.monotonic() - began:.0f} seconds")
