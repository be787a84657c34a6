"""What a reconciliation found, in memory and in JSON."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from common.instants import instant
from payments.constants import DriftKind, Severity, Verdict

DEFAULT_BATCH = 500
DEFAULT_MAX_ERRORS = 20
EXIT_OK, EXIT_BUG, EXIT_DRIFT, EXIT_INCOMPLETE, EXIT_BUSY = 0, 1, 3, 4, 5
SWEEPS = ("payment_intents", "refunds", "disputes", "events", "local", "balance_transactions", "payouts")
ASKED_UNTIL = "asked_until"  # of a run's counters

Progress = Callable[[str, int, float], None]
"""Told what is compared, how many of it so far, and what share of the window that is."""


def quiet(what: str, done: int, share: float) -> None:
    """Report no progress."""


@dataclass(frozen=True, slots=True)
class Options:
    """What to compare. `payment` is our id or the provider's of a single one; then the window does not matter."""

    since: datetime
    until: datetime
    dry_run: bool = False
    payment: str = ""
    batch: int = DEFAULT_BATCH
    max_errors: int = DEFAULT_MAX_ERRORS
    lock_timeout: float = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference; `human`: nothing that we may do by ourselves settles it."""

    kind: DriftKind
    severity: Severity
    ref: str
    payment: str
    local: dict[str, Any]
    remote: dict[str, Any]
    action: str
    human: bool

    def as_dict(self) -> dict[str, Any]:
        """The member of `drift` in the command's JSON."""
        return {
            "kind": self.kind.value,
            "severity": self.severity.value,
            "ref": self.ref,
            "payment": self.payment or None,
            "local": self.local,
            "remote": self.remote,
            "action": self.action,
        }


@dataclass(slots=True)
class Report:
    """The numbers of one run; `vanished` are the rows of differences that earlier runs left open and that are gone.

    `asked_until` is the last such row that was asked for when not all of them could be.
    """

    since: datetime
    until: datetime
    dry_run: bool
    run_id: str = ""
    scanned: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SWEEPS, 0))
    foreign: int = 0
    in_sync: int = 0
    repaired: int = 0
    drift: list[Finding] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    vanished: list[UUID] = field(default_factory=list)
    asked_until: UUID | None = None
    complete: bool = True
    duration_s: float = 0.0
    peak_rss_mb: float = 0.0

    @property
    def open_drift(self) -> list[Finding]:
        """What a person must see to; in a dry run all of it, since nothing was repaired."""
        return [one for one in self.drift if one.human or self.dry_run]

    @property
    def verdict(self) -> Verdict:
        """The result in a word."""
        if self.errors or not self.complete:
            return Verdict.INCOMPLETE
        if self.open_drift:
            return Verdict.DRIFT
        return Verdict.REPAIRED if self.repaired else Verdict.IN_SYNC

    @property
    def exit_code(self) -> int:
        """0, 3 or 4 as the command promises."""
        return {Verdict.INCOMPLETE: EXIT_INCOMPLETE, Verdict.DRIFT: EXIT_DRIFT}.get(self.verdict, EXIT_OK)

    def counters(self) -> dict[str, Any]:
        """What the run's row keeps."""
        return {
            "scanned": self.scanned,
            "foreign": self.foreign,
            "in_sync": self.in_sync,
            "repaired": self.repaired,
            "drift": len(self.drift),
            "vanished": len(self.vanished),
            "errors": self.errors,
            "duration_s": self.duration_s,
            "peak_rss_mb": self.peak_rss_mb,
            **({ASKED_UNTIL: str(self.asked_until)} if self.asked_until else {}),
        }

    def as_dict(self) -> dict[str, Any]:
        """The command's JSON."""
        return {
            "run_id": self.run_id or None,
            "window": {"since": instant(self.since), "until": instant(self.until)},
            "dry_run": self.dry_run,
            "scanned": self.scanned,
            "in_sync": self.in_sync,
            "repaired": self.repaired,
            "drift": [one.as_dict() for one in self.drift],
            "errors": self.errors,
            "duration_s": self.duration_s,
            "peak_rss_mb": self.peak_rss_mb,
        }
