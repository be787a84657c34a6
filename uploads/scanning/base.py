"""What a virus scanner can do, whichever one it is."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from uploads.constants import ScanVerdict


class ScannerUnavailableError(Exception):
    """The scanner gave no verdict: it is away, too slow, or answered with an error. Worth another attempt."""


@dataclass(frozen=True)
class Scan:
    """A verdict: `engine` names the program with the version of its signatures, `signature` what was found."""

    engine: str
    verdict: ScanVerdict
    signature: str = ""


class Scanner(Protocol):
    """Looks into files for what does harm."""

    def scan(self, path: Path) -> Scan:
        """Return the verdict on a file. Raises `ScannerUnavailableError` when there is none."""

    def ping(self) -> None:
        """Return within a second when the scanner is there. Raises `ScannerUnavailableError`."""

    def version(self) -> str:
        """Return the program and the version of its signatures. Raises `ScannerUnavailableError`."""
