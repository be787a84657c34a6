"""The supervisor's children: each with a log, a written name, and an end that leaves nothing behind."""

import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from devkit.processes import LauncherError, ProcessId, last_lines, peek, stop_child, tied_to_parent

STOP_SECONDS = 15


class Child:
    """One command in the checkout, started once; its output goes to `var/log/<name>.log`."""

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        var: Path,
        env: Mapping[str, str] | None = None,
        lasting: bool = True,
        checkout: Path | None = None,
    ) -> None:
        """Describe the command, run in `checkout` (default: beside `var`). A `lasting` one must not end by itself."""
        self.name = name
        self.lasting = lasting
        self.log = var / "log" / f"{name}.log"
        self._command = list(command)
        self._checkout = checkout or var.parent
        self._named = var / "run" / f"{name}.json"
        self._env = dict(env or {})
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the command. Call it from the main thread: the child's life is tied to it."""
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                self._command,
                cwd=self._checkout,
                env=os.environ | {"PYTHONUNBUFFERED": "1"} | self._env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C of the terminal is ours to pass on, in order
                preexec_fn=tied_to_parent(),  # noqa: PLW1509 - no threads here
            )
        process_id = ProcessId.of(self.process.pid)
        if process_id:
            process_id.write(self._named)

    def code(self) -> int | None:
        """Return the exit code once it has ended."""
        return None if self.process is None else peek(self.process)

    def ended_badly(self) -> LauncherError:
        """Compose the sentence about its unwanted end."""
        ending = f"{self.name} ended with code {self.code()}"
        shown = last_lines(self.log, 1)
        return LauncherError(
            f"{ending}: {shown} (all of it: {self.log.relative_to(self._checkout)})" if shown else ending
        )

    def ask_to_stop(self) -> None:
        """Send SIGTERM and do not wait, so that several may stop at once."""
        if self.process is not None and self.code() is None:
            os.kill(self.process.pid, signal.SIGTERM)

    def stop(self) -> None:
        """Stop it and whatever it started; harmless when it does not run."""
        if self.process is not None:
            stop_child(self.process, signal.SIGTERM, seconds=STOP_SECONDS)
        self._named.unlink(missing_ok=True)


def end_leftovers(var: Path) -> None:
    """End what a killed supervisor wrote down and could not stop. Raises LauncherError when one does not go."""
    for path in sorted((var / "run").glob("*.json")):
        left = ProcessId.read(path)
        if left and not left.end(signal.SIGTERM, seconds=STOP_SECONDS):
            raise LauncherError(f"Process {left.pid} of an earlier `make run` does not end.")
        path.unlink(missing_ok=True)
