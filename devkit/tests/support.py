"""Helpers of devkit's tests: ports, folders with a mode, and who is left running."""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

from devkit.processes import port_is_free, wait_until

CHECKOUT = Path(__file__).resolve().parent.parent.parent
NOBODY = 65534
MARK = "DEVKIT_TEST_MARK"


def two_free_ports() -> int:
    """Return a port that is free like the next one, outside the range from which the kernel gives them away."""
    candidates = (random.randrange(20_000, 32_000) for _ in range(1000))
    return next(port for port in candidates if port_is_free(port) and port_is_free(port + 1))


def marked_processes(mark: str) -> list[str]:
    """Return the command lines of all processes that inherited the mark in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def nobody_left(mark: str, seconds: float = 15) -> list[str]:
    """Wait until no marked process runs; return those that still do."""
    wait_until(lambda: not marked_processes(mark), seconds=seconds)
    return marked_processes(mark)


def python_for_nobody() -> str | None:
    """Return an interpreter that an ordinary user can start and that can load this checkout's packages."""
    for python in filter(None, (sys.executable, shutil.which("python3.11", path="/usr/bin:/usr/local/bin"))):
        try:
            done = subprocess.run(
                [python, "-c", "import devkit, psycopg, redis"],
                user=NOBODY,
                group=NOBODY,
                extra_groups=[],
                cwd="/",
                env=environment_for_nobody(),
                capture_output=True,
                check=False,
            )
        except OSError:
            continue
        if done.returncode == 0:
            return python
    return None


def environment_for_nobody() -> dict[str, str]:
    """Return an environment in which that interpreter finds this checkout and its packages."""
    packages = [path for path in sys.path if path.endswith("site-packages")]
    return {"PATH": os.defpath, "PYTHONPATH": os.pathsep.join([os.fspath(CHECKOUT), *packages])}
