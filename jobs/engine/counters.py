"""What this process counts about jobs; `presence` writes it to the process's own row.

A count's name is its words joined by "|": the figure, its label, and for a distribution the bound or `sum`. Whoever
reads them adds up all rows. A killed process loses what it counted since it last wrote, seconds ago.
"""

import bisect
import os
import threading
from collections import Counter
from collections.abc import Mapping, Sequence

SEPARATOR = "|"
SUM = "sum"
ABOVE = "+Inf"

LEASE_EXPIRIES = "lease_expiries"
DUPLICATES_REFUSED = "duplicates_refused"
PUBLISH_FAILURES = "publish_failures"
DEAD = "dead"
OUTSIDE_REPEATS = "outside_repeats"
ATTEMPTS, ATTEMPTS_BOUNDS = "attempts", (1, 2, 3, 4, 5, 10)
RUN_SECONDS, RUN_BOUNDS = "run_seconds", (0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120, 300)
RELAY_LAG, LAG_BOUNDS = "relay_lag", (0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 300)


class Counters:
    """Numbers that only grow; safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: Counter[str] = Counter()

    def add(self, figure: str, label: str = "", amount: float = 1) -> None:
        """Count."""
        with self._lock:
            self._values[SEPARATOR.join((figure, label))] += amount  # type: ignore[assignment]

    def observe(self, figure: str, value: float, bounds: Sequence[float], label: str = "") -> None:
        """Count a value of a distribution under the first bound that holds it."""
        place = bisect.bisect_left(bounds, value)
        bound = f"{bounds[place]:g}" if place < len(bounds) else ABOVE
        with self._lock:
            self._values[SEPARATOR.join((figure, label, bound))] += 1
            self._values[SEPARATOR.join((figure, label, SUM))] += value  # type: ignore[assignment]

    def values(self) -> dict[str, float]:
        """Return a copy."""
        with self._lock:
            return dict(self._values)

    def subtract(self, counted: Mapping[str, float]) -> None:
        """Forget what has been added up elsewhere."""
        with self._lock:
            for name, amount in counted.items():
                self._values[name] -= amount  # type: ignore[assignment]

    def begin_anew(self) -> None:
        """Start from nothing with a free lock: a child of a fork inherits its parent's counts, and may its lock."""
        self.__init__()  # type: ignore[misc]


counters = Counters()
os.register_at_fork(after_in_child=counters.begin_anew)
