"""What sweeps found, pass by pass, and what `reconcile_storage` says of all of them."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from uploads.constants import Found, Verdict

EXIT_OK, EXIT_DRIFT, EXIT_INCOMPLETE = 0, 3, 4


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was not as it should be; `is_open`: it was reported only, and waits for time or a person."""

    kind: Found
    ref: str
    action: str
    is_open: bool = False

    def as_dict(self) -> dict[str, Any]:
        """A member of `findings` in the command's JSON."""
        return {"kind": self.kind.value, "ref": self.ref, "action": self.action, "open": self.is_open}


@dataclass(frozen=True, slots=True)
class Pass:
    """One capped pass of a sweep. `after` is where the next one goes on; empty when the sweep has reached its end."""

    scanned: int = 0
    findings: tuple[Finding, ...] = ()
    after: str = ""


@dataclass(slots=True)
class Report:
    """All passes of a run."""

    dry_run: bool
    scanned: Counter[str] = field(default_factory=Counter)
    findings: list[Finding] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    def add(self, sweep: str, one: Pass) -> None:
        """Count a pass in."""
        self.scanned[sweep] += one.scanned
        self.findings += one.findings

    @property
    def open_findings(self) -> list[Finding]:
        """What is left; in a dry run everything, since nothing was changed."""
        return [one for one in self.findings if one.is_open or self.dry_run]

    @property
    def repaired(self) -> int:
        """How many findings were put right."""
        return len(self.findings) - len(self.open_findings)

    @property
    def verdict(self) -> Verdict:
        """The result in a word."""
        if self.errors:
            return Verdict.INCOMPLETE
        if self.open_findings:
            return Verdict.DRIFT
        return Verdict.REPAIRED if self.findings else Verdict.IN_SYNC

    @property
    def exit_code(self) -> int:
        """0, 3 or 4, with the meanings that they have for `reconcile_stripe`."""
        return {Verdict.INCOMPLETE: EXIT_INCOMPLETE, Verdict.DRIFT: EXIT_DRIFT}.get(self.verdict, EXIT_OK)

    def as_dict(self) -> dict[str, Any]:
        """The command's JSON."""
        return {
            "verdict": self.verdict.value,
            "dry_run": self.dry_run,
            "scanned": dict(self.scanned),
            "repaired": self.repaired,
            "findings": [one.as_dict() for one in self.findings],
            "errors": self.errors,
        }
