"""Argon2id at a cost that leaves room for several sign-ins at once."""

import threading

from django.contrib.auth.hashers import Argon2PasswordHasher

from accounts.constants import HASHES_AT_ONCE

_slots = threading.BoundedSemaphore(HASHES_AT_ONCE)


class StaffArgon2Hasher(Argon2PasswordHasher):
    """Three passes over 64 MiB on one lane; at most four hashes at once in a process, so memory stays under 256 MiB."""

    time_cost = 3
    memory_cost = 65_536
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        """The encoded hash, once a slot is free."""
        with _slots:
            return str(super().encode(password, salt))

    def verify(self, password: str, encoded: str) -> bool:
        """Whether the password matches, once a slot is free."""
        with _slots:
            return bool(super().verify(password, encoded))
