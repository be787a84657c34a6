"""The loop of runner and relay: a pass every quarter of a second, whatever goes away and comes back."""

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

from django.db import DatabaseError, connection

from jobs import constants
from jobs.engine.presence import Pulse

logger = logging.getLogger(__name__)


class Stop:
    """Set by SIGTERM or SIGINT. A plain flag: a lock taken in a signal handler may already be held by the loop."""

    def __init__(self) -> None:
        self.asked = False

    def on_signals(self) -> None:
        """Stop at SIGTERM and SIGINT; a second SIGINT ends the process as usual."""
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, self._ask)

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        self.asked = True
        if number == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def poll(
    step: Callable[[], None],
    *,
    stop: Stop,
    wake: threading.Event,
    pulse: Pulse,
    away: tuple[type[Exception], ...] = (),
) -> None:
    """Call `step` until asked to stop: at once when `wake` is set, else after a pause; `pulse` feels each turn.

    Errors of the database, and those in `away`, are outlived: logged once, and asked again every second.
    """
    outlived: tuple[type[Exception], ...] = (DatabaseError, *away)
    lost = False
    while not stop.asked:
        pulse.mark()
        try:
            step()
        except outlived as error:
            if not lost:
                logger.error("poll_failed", extra={"reason": f"{type(error).__name__}: {error}".strip()})
            lost = True
            connection.close()
            wake.wait(constants.AWAY_SECONDS)
        else:
            if lost:
                logger.info("poll_recovered")
            lost = False
            wake.wait(constants.POLL_SECONDS)
        wake.clear()
    connection.close()
