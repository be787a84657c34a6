"""The load: wrk, one process with 32 connections."""

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from devkit.processes import LauncherError

CONNECTIONS = 32
PATIENCE_SECONDS = 30
"""A starved machine may be slow to answer: that lowers the rate, and is no error."""
_RATE = re.compile(r"^Requests/sec:\s+([\d.]+)$", re.MULTILINE)
_FAULTS = re.compile(r"^\s*(Socket errors: .*|Non-2xx or 3xx responses: .*)$", re.MULTILINE)


def ensure() -> str:
    """Return the path of wrk, installing Debian's as root. Raises LauncherError when there is none to be had."""
    found = shutil.which("wrk")
    if found:
        return found
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Debian's wrk ...", flush=True)
        env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for command in (
            ["apt-get", "update", "-qq"],
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "wrk"],
        ):
            subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=False)
        found = shutil.which("wrk")
    if not found:
        raise LauncherError("`make bench` needs wrk: `apt-get install wrk` (or `brew install wrk`).")
    return found


def rate(
    program: str, url: str, *, seconds: float, headers: Mapping[str, str] | None = None, script: Sequence[str] = ()
) -> float:
    """Return the requests a second that were answered. Raises LauncherError when any answer was an error.

    `script` is a Lua file that makes the requests, with the words that it is given after `--`.
    """
    given = [word for name, value in (headers or {}).items() for word in ("--header", f"{name}: {value}")]
    command = [program, "--threads", "1", "--connections", str(CONNECTIONS), "--duration", f"{seconds}s"]
    command += ["--timeout", f"{PATIENCE_SECONDS}s", *given]
    command += ["--script", script[0], url, *script[1:]] if script else [url]
    shown = subprocess.run(command, capture_output=True, text=True, check=False)
    faults = _FAULTS.findall(shown.stdout)
    match = _RATE.search(shown.stdout)
    if faults or not match:
        raise LauncherError(f"wrk on {url}: {'; '.join(faults) or shown.stderr.strip() or shown.stdout.strip()}.")
    return float(match[1])
