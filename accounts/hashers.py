"""Argon2id at a cost that leaves room for several sign-ins at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts.constants import HASHES_AT_ONCE
from common.errors import LimiterUnavailable

_slots = threading.BoundedSemaphore(HASHES_AT_ONCE)
SLOT_WAIT_SECONDS = 3.0


@contextmanager
def _slot() -> Iterator[None]:
    """One of the hashes at once; whoever waits too long gives its thread back to the others."""
    if not _slots.acquire(timeout=SLOT_WAIT_SECONDS):
        raise LimiterUnavailable("Too many people are signing in at once.", retry_after=SLOT_WAIT_SECONDS)
    try:
        yield
    finally:
        _slots.release()


class StaffArgon2Hasher(Argon2PasswordHasher):
    """Three passes over 64 MiB on one lane; at most four hashes at once in a process, so memory stays under 256 MiB."""

    time_cost = 3
    memory_cost = 65_536
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """The encoded hash, once a slot is free. Raises LimiterUnavailable when none is for too long."""
        with _slot():
            return str(super().encode(password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password matches, once a slot is free. Raises LimiterUnavailable when none is for too long."""
        with _slot():
            return bool(super().verify(password, encoded))


class BackupCodeHasher(StaffArgon2Hasher):
    """Two passes over 19 MiB (OWASP's minimum): a backup code has 60 random bits. Shares the slots of passwords."""

    time_cost = 2
    memory_cost = 19_456
