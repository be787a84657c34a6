"""What is to be verified, and what was found."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from audit.constants import MOST_FAULTS


@dataclass(frozen=True, slots=True)
class Scope:
    """Which seals: all; those made in [since, until]; or a sample of the newest and of older ones.

    `copy` names an exported file whose seals the database must still hold.
    """

    since: datetime | None = None
    until: datetime | None = None
    sample: bool = False
    copy: Path | None = None

    @property
    def is_whole(self) -> bool:
        """Whether nothing is left out."""
        return not (self.since or self.until or self.sample)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is not as it was sealed: `where` is `row 17` or `seal 3`, `what` a plain sentence."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where[:1].upper()}{self.where[1:]}: {self.what}"


@dataclass(slots=True)
class Report:
    """What was looked at; `faults` holds the first ones in the order of the log, `notes` what is worth knowing."""

    seals: int = 0
    rows: int = 0
    unsealed: int = 0
    faults: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def is_clean(self) -> bool:
        """Whether nothing was found."""
        return not self.faults

    @property
    def is_full(self) -> bool:
        """Whether so much was found that looking on tells nothing more."""
        return len(self.faults) >= MOST_FAULTS

    @property
    def summary(self) -> str:
        """One sentence for people."""
        if self.is_clean:
            return f"The log is as it was sealed: {self.seals} seals, {self.rows} rows, {self.unsealed} not sealed yet."
        more = f" ({len(self.faults)} faults in all)" if len(self.faults) > 1 else ""
        return f"The log was changed. {self.faults[0]}{more}"

    def add(self, faults: Iterable[Fault]) -> None:
        """Keep what was found, up to a limit."""
        for fault in faults:
            if not self.is_full and fault not in self.faults:
                self.faults.append(fault)
