"""Argon2id: its parameters, and how many run at once."""

import threading
import time

import pytest
from django.contrib.auth.hashers import Argon2PasswordHasher, check_password, make_password

from accounts import hashers
from accounts.constants import HASHES_AT_ONCE
from accounts.hashers import BackupCodeHasher, StaffArgon2Hasher
from common.errors import LimiterUnavailable


def test_parameters_and_round_trip(settings: pytest.FixtureRequest) -> None:
    settings.PASSWORD_HASHERS = ["accounts.hashers.StaffArgon2Hasher"]
    encoded = make_password("violet-tractor-lagoon-58")

    assert encoded.startswith("argon2$argon2id$v=19$m=65536,t=3,p=1$")
    assert check_password("violet-tractor-lagoon-58", encoded)
    assert not check_password("violet-tractor-lagoon-59", encoded)
    assert not StaffArgon2Hasher().must_update(encoded)


def test_at_most_four_hashes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    running: list[int] = []
    most: list[int] = []
    lock = threading.Lock()

    def slow(*_: object) -> bool:
        with lock:
            running.append(1)
            most.append(len(running))
        time.sleep(0.02)
        with lock:
            running.pop()
        return True

    monkeypatch.setattr(Argon2PasswordHasher, "verify", slow)
    hasher = StaffArgon2Hasher()
    threads = [threading.Thread(target=hasher.verify, args=("p", "e")) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(most) == 16
    assert max(most) == HASHES_AT_ONCE == 4


def test_who_waits_too_long_for_a_slot_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashers, "SLOT_WAIT_SECONDS", 0.05)
    hasher = StaffArgon2Hasher()
    for _ in range(HASHES_AT_ONCE):
        assert hashers._slots.acquire(blocking=False)
    try:
        with pytest.raises(LimiterUnavailable):
            hasher.verify("secret", "argon2$argon2id$…")
        with pytest.raises(LimiterUnavailable):
            BackupCodeHasher().encode("code", "saltsaltsaltsalt")  # they share the slots
    finally:
        for _ in range(HASHES_AT_ONCE):
            hashers._slots.release()
    assert hasher.encode("secret", "saltsaltsaltsalt").startswith("argon2$argon2id$")
