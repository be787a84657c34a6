"""The rows and what becomes of them: the registry, the table and the file."""

import json
import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.faults.stage import Stage

HEAD = ("fault", "tries", "requests", "lost", "doubled", "repeated", "recovered in", "all done in")


@dataclass(frozen=True)
class Outcome:
    """What one row found.

    `requests` is how many jobs, payments or requests there were; `lost` those whose effect is missing; `doubled`
    effects beyond one each. `repeated` counts calls to the outside that were made again under the same key, which
    the other side answers from memory: expected, and no fault. `recovered` is the slowest return of work after a
    fault, `settled` the time from the last fault until nothing was left to do; both in seconds.
    """

    tries: int
    requests: int
    lost: int
    doubled: int
    recovered: float
    settled: float
    repeated: int = 0

    @property
    def clean(self) -> bool:
        """Whether nothing was lost and nothing done twice."""
        return self.lost == 0 and self.doubled == 0


Row = Callable[["Stage"], Outcome]
registry: dict[str, Row] = {}


def fault(title: str) -> Callable[[Row], Row]:
    """Register the decorated function as the row with this title."""

    def register(row: Row) -> Row:
        if title in registry:
            raise ValueError(f"Two rows are called {title!r}.")
        registry[title] = row
        return row

    return register


def table(found: Mapping[str, Outcome]) -> str:
    """Return a table in Markdown."""
    lines = [HEAD, tuple("-" * len(title) for title in HEAD)]
    for title, one in found.items():
        numbers = (one.tries, one.requests, one.lost, one.doubled, one.repeated)
        lines.append((title, *map(str, numbers), f"{one.recovered:.1f} s", f"{one.settled:.1f} s"))
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    lines[1] = tuple("-" * width for width in widths)
    return "\n".join(_line(line, widths) for line in lines)


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return f"| {' | '.join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True))} |"


def save(path: Path, found: Mapping[str, Outcome]) -> None:
    """Write the rows with the machine's description as JSON."""
    about = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "system": platform.platform()}
    about |= {"cores": os.cpu_count(), "load": os.getloadavg()}
    path.write_text(
        json.dumps({**about, "rows": {title: asdict(one) for title, one in found.items()}}, indent=2) + "\n"
    )
