"""The stand-in for tests and benchmarks: a process of its own, so that moto's memory is not the tests'."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterable
from types import TracebackType
from typing import Any, Self

from devkit.processes import tied_to_parent
from devkit.s3.settings import Settings

READY = "S3 stand-in: "
STOP_SECONDS = 10


class S3Process:
    """A running stand-in; stop it, or use it as a context manager."""

    def __init__(self, settings: Settings | None = None) -> None:
        """Start it and wait until it listens. Raises `RuntimeError` when it ends instead."""
        self.settings = settings or Settings()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "devkit.s3", *self._arguments()],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONWARNINGS": "ignore"},
            preexec_fn=tied_to_parent(),  # noqa: PLW1509 - started from the main thread
        )
        self.url = self._address()

    @property
    def environment(self) -> dict[str, str]:
        """The variables with which the back end uses it."""
        return self.settings.environment(self.url)

    def control(self, **members: Any) -> dict[str, Any]:
        """`POST /_control` with the members given; return the state."""
        body = json.dumps(members).encode()
        request = urllib.request.Request(f"{self.url}/_control", data=body, method="POST")
        with urllib.request.urlopen(request, timeout=STOP_SECONDS) as answer:
            state: dict[str, Any] = json.load(answer)
        return state

    def stop(self) -> None:
        """End the process."""
        self._process.terminate()
        self._process.wait(STOP_SECONDS)
        if self._process.stdout:
            self._process.stdout.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _arguments(self) -> list[str]:
        known = self.settings
        names = {"port": str(known.port), "private": known.private, "public": known.public, "region": known.region}
        return [f"--{name}={value}" for name, value in names.items()]

    def _address(self) -> str:
        output: Iterable[str] = self._process.stdout or ()
        for line in output:
            if line.startswith(READY):
                return line.removeprefix(READY).strip()
        self._process.wait(STOP_SECONDS)
        raise RuntimeError("The stand-in of S3 did not start.")
