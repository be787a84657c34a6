"""What becomes of the samples: ratios round by round, their median with the extremes, a table and a file."""

import json
import os
import platform
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

NAMED_PACKAGES = ("Django", "djangorestframework", "granian", "psycopg")


@dataclass(frozen=True)
class Row:
    """One line of the table: the subject `ours` should reach `target` times the rate of the subject `baseline`."""

    what: str
    ours: str
    baseline: str
    target: float


@dataclass(frozen=True)
class Summary:
    """A row with what was measured: medians of both rates, and the ratios of the rounds."""

    row: Row
    ours: float
    baseline: float
    median: float
    least: float
    most: float

    @property
    def reached(self) -> bool:
        """Whether the median reaches the target."""
        return self.median >= self.row.target


def summarise(row: Row, samples: Mapping[str, Sequence[float]]) -> Summary:
    """Compare two subjects round by round.

    Both rates of a ratio come from one round, seconds apart, so that a slow minute of the machine strikes both.
    """
    ours, baseline = samples[row.ours], samples[row.baseline]
    ratios = [mine / theirs for mine, theirs in zip(ours, baseline, strict=True)]
    return Summary(
        row, statistics.median(ours), statistics.median(baseline), statistics.median(ratios), min(ratios), max(ratios)
    )


def table(summaries: Sequence[Summary]) -> str:
    """Return a table in Markdown."""
    head = ("what", "baseline", "ours/s", "baseline/s", "ratio", "min - max", "target", "")
    lines = [head, tuple("-" * len(title) or "-" for title in head)]
    lines += [
        (
            one.row.what,
            one.row.baseline,
            f"{one.ours:,.0f}",
            f"{one.baseline:,.0f}",
            f"{one.median:.2f}",
            f"{one.least:.2f} - {one.most:.2f}",
            f">= {one.row.target:.2f}",
            "reached" if one.reached else "missed",
        )
        for one in summaries
    ]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    lines[1] = tuple("-" * width for width in widths)
    return "\n".join(
        f"| {' | '.join(cell.ljust(width) for cell, width in zip(line, widths, strict=True))} |" for line in lines
    )


def save(
    path: Path, *, options: Mapping[str, Any], samples: Mapping[str, Sequence[float]], summaries: Sequence[Summary]
) -> None:
    """Write everything that was measured, with the machine and the versions, as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    found = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.platform(),
            "processor": _processor(),
            "cores": os.cpu_count(),
            "load": os.getloadavg(),
        },
        "versions": {"python": platform.python_version(), **{name: version(name) for name in NAMED_PACKAGES}},
        "options": dict(options),
        "rows": [asdict(one) | {"reached": one.reached} for one in summaries],
        "samples": {name: list(rates) for name, rates in samples.items()},
    }
    path.write_text(json.dumps(found, indent=2) + "\n")


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
