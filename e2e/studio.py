"""A studio of its own for the browser tests: a copy of the checkout, run by the very supervisor behind `make run`."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
READY_SECONDS = 240
STOP_SECONDS = 30
READY = "Ctrl-C stops everything"


def free_pair_of_ports() -> int:
    """A port whose neighbour is free too: the web process takes it, the Stripe twin the next one."""
    for _ in range(100):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = first.getsockname()[1]
            try:
                second.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port
    raise RuntimeError("No two neighbouring ports are free.")


@dataclass
class Studio:
    """A running studio: its address, its folder, and the login that `make run` printed."""

    folder: Path
    port: int
    process: subprocess.Popen[bytes]
    log: Path
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Where the site answers."""
        return f"http://localhost:{self.port}"

    @property
    def twin_url(self) -> str:
        """Where the Stripe twin answers."""
        return f"http://127.0.0.1:{self.port + 1}"

    @property
    def login(self) -> dict[str, str]:
        """`email` and `password` of the Owner."""
        lines = (self.folder / "var" / "login.txt").read_text().splitlines()
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def mails(self, recipient: str) -> list[str]:
        """The text of every mail to `recipient`, oldest first."""
        found = sorted((self.folder / "var" / "mail").glob("*.eml"), key=lambda path: path.stat().st_mtime)
        return [text for path in found if f"To: {recipient}" in (text := path.read_text())]

    def manage(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a management command beside the running studio, as an operator would."""
        command = [".venv/bin/python", "manage.py", *arguments]
        return subprocess.run(
            command,
            cwd=self.folder,
            env=clean_environment() | self.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    def stop(self) -> None:
        """Ctrl-C, and wait until nothing is left."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(STOP_SECONDS)


def clean_environment() -> dict[str, str]:
    """Only what a newcomer's shell has; the tests' own variables stay out."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "USER") if name in os.environ}


def copy_checkout(folder: Path) -> None:
    """The files that git knows or would add, and the same virtual environment."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        check=True,
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        source, target = CHECKOUT / name, folder / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    (folder / ".venv").symlink_to(Path(sys.prefix))


def start(folder: Path, environment: Mapping[str, str] | None = None) -> Studio:
    """Run the studio in `folder` and wait until it says that it stands; `environment` adds to a newcomer's."""
    given = dict(environment or {})
    copy_checkout(folder)
    port = free_pair_of_ports()
    log = folder / "run.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [str(folder / ".venv/bin/python"), "-m", "devkit.run"],
            cwd=folder,
            env=clean_environment() | given | {"PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    studio = Studio(folder, port, process, log, given)
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"The studio ended early:\n{log.read_text()}")
        if READY in log.read_text():
            return studio
        time.sleep(0.2)
    studio.stop()
    raise RuntimeError(f"The studio did not answer in {READY_SECONDS} s:\n{log.read_text()}")
