"""Child processes: tied to their parent's life, and named so that a stranger's is never ended by mistake."""

import contextlib
import ctypes
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

LOOPBACK = "127.0.0.1"
POLL_SECONDS = 0.02
PR_SET_PDEATHSIG = 1
PROC_STAT_STATE, PROC_STAT_STARTED = 0, 19
"""Fields of /proc/PID/stat behind the command's closing bracket (proc(5) counts them 3 and 22)."""


class LauncherError(RuntimeError):
    """A server or the supervisor cannot go on; the message is one plain sentence for the terminal."""


class PortTakenError(LauncherError):
    """Another program listens where a server should."""

    def __init__(self, port: int, server: str) -> None:
        super().__init__(f"Port {port} is taken by another program, so {server} cannot start there.")


@dataclass(frozen=True)
class ProcessId:
    """One process and no other: numbers are used again, so the moment of its start belongs to the name."""

    pid: int
    started: str

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Name a running process; None when there is none, or only its zombie."""
        started = _started(pid)
        return cls(pid, started) if started else None

    @classmethod
    def read(cls, path: Path) -> Self | None:
        """Read what `write` left; None when the file is absent or damaged."""
        try:
            fields = json.loads(path.read_text())
            return cls(int(fields["pid"]), str(fields["started"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write(self, path: Path) -> None:
        """Write the name down, whole or not at all."""
        write_private(path, json.dumps(asdict(self)))

    def alive(self) -> bool:
        """Tell whether this very process still runs."""
        return _started(self.pid) == self.started

    def end(self, signal_number: int, *, seconds: float) -> bool:
        """Signal the process if it is still itself, and wait; True once it is gone."""
        if not self.alive():
            return True
        try:
            os.kill(self.pid, signal_number)
        except ProcessLookupError:
            return True
        return wait_until(lambda: not self.alive(), seconds=seconds)


def _started(pid: int) -> str | None:
    try:
        after_command = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except ProcessLookupError:
        return None
    except FileNotFoundError:
        return None if sys.platform == "linux" else _started_by_ps(pid)
    return None if after_command[PROC_STAT_STATE] in "ZX" else f"{boot}:{after_command[PROC_STAT_STARTED]}"


def _started_by_ps(pid: int) -> str | None:
    shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip() or None


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads (mode 600); a reader sees the old text or the new, never a part."""
    unfinished = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    unfinished.replace(path)


def wait_until(condition: Callable[[], bool], *, seconds: float) -> bool:
    """Poll until the condition holds; False when the time is over."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(POLL_SECONDS)
    return True


def tied_to_parent(signal_number: int = signal.SIGTERM) -> Callable[[], None] | None:
    """Make a `preexec_fn` that has the kernel signal the child when its parent ends, however it ends.

    Linux only (prctl(2), PR_SET_PDEATHSIG); None elsewhere. The kernel means the parent's *thread*: start
    such children from the main thread.
    """
    if sys.platform != "linux":
        return None
    prctl, parent = ctypes.CDLL(None, use_errno=True).prctl, os.getpid()

    def tie() -> None:
        prctl(PR_SET_PDEATHSIG, signal_number)
        if os.getppid() != parent:  # it ended before the tie held
            os._exit(1)

    return tie


def port_is_free(port: int, host: str = LOOPBACK) -> bool:
    """Tell whether a server could listen there now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """Let the kernel choose a port of the loopback address."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        return int(probe.getsockname()[1])


def last_lines(path: Path, count: int = 3) -> str:
    """Return the end of a log in one line, for an error's sentence."""
    try:
        lines = path.read_text(errors="replace").strip().splitlines()
    except OSError:
        return ""
    return " / ".join(line.strip() for line in lines[-count:])


def peek(child: subprocess.Popen[bytes]) -> int | None:
    """Return a child's exit code once it has ended, and leave it unreaped; minus the signal where one killed it.

    While a child is not reaped, its number cannot become another process's or group's.
    """
    if child.returncode is not None or not hasattr(os, "waitid"):  # macOS has it from Python 3.13 on
        return child.poll()
    ended = os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    if ended is None:
        return None
    return ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status


def stop_child(child: subprocess.Popen[bytes], signal_number: int, *, seconds: float) -> int:
    """End one's own child and everything in its session: politely, then by SIGKILL; return the child's code.

    The child must have been started with `start_new_session=True`, and looked after with `peek` only.
    """
    if child.returncode is not None:
        return child.returncode
    os.kill(child.pid, signal_number)
    wait_until(lambda: peek(child) is not None, seconds=seconds)
    with contextlib.suppress(ProcessLookupError, PermissionError):  # nobody is left; macOS says it the other way
        os.killpg(child.pid, signal.SIGKILL)
    return child.wait()


class StopSignals:
    """SIGINT and SIGTERM of a foreground supervisor, noted from the moment that this is made."""

    def __init__(self) -> None:
        self._asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._ask)

    def __bool__(self) -> bool:
        """Tell whether one has come."""
        return self._asked

    def _ask(self, _number: int, _frame: object) -> None:
        self._asked = True

    def wait(self, child: subprocess.Popen[bytes]) -> int | None:
        """Sleep until a signal (None) or the child's end (its return code)."""
        while not self._asked:
            code = peek(child)
            if code is not None:
                return code
            time.sleep(0.1)
        return None
