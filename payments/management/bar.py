"""A progress bar for whoever waits at a terminal."""

import sys
import time

WIDTH = 30
STEP_SECONDS = 0.1
CLEAR = "\r\033[K"


class Bar:
    """Written to stderr, over itself; call it with what is compared, how many of it, and the share that is done."""

    def __init__(self) -> None:
        self._drawn = 0.0

    def __call__(self, what: str, done: int, share: float) -> None:
        """Draw, ten times a second at most."""
        now = time.monotonic()
        if now - self._drawn < STEP_SECONDS:
            return
        self._drawn = now
        full = round(WIDTH * share)
        drawn = "#" * full + "-" * (WIDTH - full)
        sys.stderr.write(f"{CLEAR}[{drawn}] {what.replace('_', ' ')}: {done:,}")
        sys.stderr.flush()

    def end(self) -> None:
        """Leave the line empty for what comes."""
        sys.stderr.write(CLEAR)
        sys.stderr.flush()
