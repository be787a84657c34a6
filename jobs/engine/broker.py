"""Kombu's Redis transport, which also tells when a worker last asked its queues.

A worker may hold a connection and yet never consume again once Redis has been away (celery#8030, #8091, #10205), and
nothing else shows it: its process is up and answers pings.
"""

from queue import Empty
from typing import Any

from kombu.transport import redis

from jobs.engine.presence import Pulse

pulse = Pulse()


class Channel(redis.Channel):
    """Marks each answer of the broker to "is there anything for me"; there is one a second when there is nothing."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            found = super()._brpop_read(**options)  # type: ignore[misc] # the stub leaves out what is private
        except Empty:
            pulse.mark()
            raise
        pulse.mark()
        return found


class Transport(redis.Transport):
    """The transport of these channels."""

    Channel = Channel
