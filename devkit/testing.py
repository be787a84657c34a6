"""A throw-away PostgreSQL and Valkey for tests: one pair per checkout, shared by everybody who runs tests there.

The first test run starts the pair, which stays up so that the next run loses no time. It ends when nobody has used it
for a while, or by `python -m devkit.testing stop`, and keeps nothing: its data is deleted at the start and at the end.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from devkit.postgres import Postgres
from devkit.processes import LauncherError, ProcessId, StopSignals, last_lines, wait_until, write_private
from devkit.valkey import Valkey

CHECKOUT = Path(__file__).resolve().parent.parent
IDLE_SECONDS = 20 * 60
START_SECONDS = 90
STOP_SECONDS = 60
WATCH_SECONDS = 1.0


@dataclass(frozen=True)
class Services:
    """The running pair: whose processes they are, and where they listen."""

    keeper: ProcessId
    database_url: str
    redis_url: str


class Pair:
    """The pair of one folder: `lease` it to use it, `stop` it to end it, `keep` it in a process of its own."""

    def __init__(self, folder: Path | None = None) -> None:
        """Describe the pair of a folder (default: this checkout's `var/test`); nothing starts yet."""
        self.folder = folder or CHECKOUT / "var" / "test"
        self._state = self.folder / "services.json"
        self._log = self.folder / "keeper.log"

    @contextmanager
    def lease(self) -> Iterator[Services]:
        """Use the pair, starting it if need be; it cannot end for idleness meanwhile.

        Raises LauncherError when it does not come up.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with self._lock("lease", fcntl.LOCK_SH), self._lock("starting", fcntl.LOCK_EX) as starting:
            services = self.running() or self._start()
            fcntl.flock(starting, fcntl.LOCK_UN)
            yield services

    def running(self) -> Services | None:
        """Return the pair if its keeper, which we wrote down, still lives."""
        try:
            fields = json.loads(self._state.read_text())
            services = Services(ProcessId(**fields["keeper"]), fields["database_url"], fields["redis_url"])
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return services if services.keeper.alive() else None

    def stop(self) -> str:
        """End the pair unless somebody uses it, and say in one word or two what became of it.

        Raises LauncherError when it does not end.
        """
        services = self.running()
        if services is None:
            return "not running"
        if (only_user := self._lock_out_users()) is None:
            return "in use by another test run"
        try:
            if not services.keeper.end(signal.SIGTERM, seconds=STOP_SECONDS):
                raise LauncherError(f"The test servers (process {services.keeper.pid}) do not end.")
        finally:
            os.close(only_user)
        return "stopped"

    @contextmanager
    def _lock(self, name: str, kind: int) -> Iterator[int]:
        handle = os.open(self.folder / f"{name}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, kind)
            yield handle
        finally:
            os.close(handle)

    def _start(self) -> Services:
        self._state.unlink(missing_ok=True)
        keeper = ProcessId.of(self._spawn_keeper())
        wait_until(lambda: self._state.exists() or not (keeper and keeper.alive()), seconds=START_SECONDS)
        services = self.running()
        if services is None:
            raise LauncherError(f"The test servers did not start: {last_lines(self._log) or 'no answer'}")
        return services

    def _spawn_keeper(self) -> int:
        """Start the keeper as nobody's child, so that it outlives us without a zombie; its process id."""
        keep = [sys.executable, "-m", "devkit.testing", "keep", os.fspath(self.folder)]
        with self._log.open("wb") as log:
            shell = subprocess.run(
                ["/bin/sh", "-c", '"$@" >&2 & echo $!', "sh", *keep],
                cwd=CHECKOUT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
                check=True,
            )
        return int(shell.stdout)

    def keep(self) -> None:
        """Run the pair in this process until SIGTERM, the end of a server, or `IDLE_SECONDS` without a lease."""
        signals = StopSignals()
        self._wipe()
        postgres = Postgres(self.folder / "pg", fsync=False)
        valkey = Valkey(self.folder / "valkey")
        try:
            with postgres, valkey:
                self._announce(postgres, valkey)
                self._watch(lambda: bool(signals) or not (postgres.running() and valkey.running()))
                self._state.unlink(missing_ok=True)
        finally:
            self._wipe()

    def _announce(self, postgres: Postgres, valkey: Valkey) -> None:
        keeper = ProcessId.of(os.getpid())
        if keeper is None:
            raise LauncherError("This system does not tell when a process started.")
        write_private(self._state, json.dumps(asdict(Services(keeper, postgres.url, valkey.url))))

    def _watch(self, over: Callable[[], bool]) -> None:
        """Wait until it is over, or until the pair is idle: then users are locked out for the rest of our life."""
        used = time.monotonic()
        while not over():
            time.sleep(WATCH_SECONDS)
            if (alone := self._lock_out_users()) is None:
                used = time.monotonic()
            elif time.monotonic() - used > IDLE_SECONDS:
                return
            else:
                os.close(alone)

    def _lock_out_users(self) -> int | None:
        """Return a handle that keeps new users waiting while it is open; None when somebody holds a lease."""
        handle = os.open(self.folder / "lease.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            return None
        return handle

    def _wipe(self) -> None:
        for name in ("pg", "valkey"):
            shutil.rmtree(self.folder / name, ignore_errors=True)


def main(arguments: list[str]) -> int:
    """`start`, `stop` or `status` the checkout's pair; `keep FOLDER` is the process that holds it."""
    action, *rest = arguments or ["status"]
    pair = Pair(Path(rest[0])) if rest else Pair()
    try:
        if action == "keep":
            pair.keep()
        elif action == "start":
            with pair.lease() as services:
                print(f"DATABASE_URL={services.database_url}\nTEST_REDIS_URL={services.redis_url}")
        elif action == "stop":
            print(pair.stop())
        elif action == "status":
            print(pair.running() or "not running")
        else:
            print("Usage: python -m devkit.testing start|stop|status", file=sys.stderr)
            return 2
    except LauncherError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
