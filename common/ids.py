"""UUIDv7: time-ordered ids (RFC 9562 §5.7), made here because PostgreSQL 15 has no `uuidv7()`."""

import secrets
import threading
import time
import uuid

_lock = threading.Lock()
_last = 0
COUNTER_BITS = 12


def uuid7() -> uuid.UUID:
    """An id whose order is the order of making, also within one millisecond of one process.

    The 12 bits after the version are a counter (RFC 9562 §6.2, method 1), carried into the milliseconds on overflow.
    """
    global _last  # noqa: PLW0603 - the one process-wide counter
    with _lock:
        tick = (time.time_ns() // 1_000_000) << COUNTER_BITS
        _last = tick if tick > _last else _last + 1
        stamp = _last
    milliseconds, counter = stamp >> COUNTER_BITS, stamp & 0xFFF
    value = (milliseconds & (1 << 48) - 1) << 80 | 0x7 << 76 | counter << 64 | 0b10 << 62 | secrets.randbits(62)
    return uuid.UUID(int=value)
