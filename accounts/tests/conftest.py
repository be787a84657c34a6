"""Fixtures of the accounts' tests."""

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import caches
from django.db import connection

from accounts.constants import TOTP_STEP_SECONDS
from accounts.hashers import BackupCodeHasher
from accounts.keys import ring
from accounts.models import User
from accounts.tests import factories, factors
from accounts.tests.factors import App
from common import clock


@pytest.fixture(autouse=True)
def _fresh_keys() -> Iterator[None]:
    """No test sees another's signing keys."""
    ring.forget()
    yield
    ring.forget()


@pytest.fixture(autouse=True)
def _cheap_backup_codes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten hashes of 32 ms a batch would be most of these tests' time."""
    monkeypatch.setattr(BackupCodeHasher, "time_cost", 1)
    monkeypatch.setattr(BackupCodeHasher, "memory_cost", 8)


@pytest.fixture
def steady() -> Iterator[None]:
    """The clock stands at the beginning of a time step, so that no code changes while a test looks at it."""
    with clock.shift(2 * TOTP_STEP_SECONDS + 1 - clock.db_now().timestamp() % TOTP_STEP_SECONDS):
        yield


@pytest.fixture
def ana(db: None, steady: None) -> App:
    """An Owner with an app."""
    return factors.give_app(factories.make_user("ana@example.com"))


@pytest.fixture
def roles(db: None) -> None:
    """The groups with their permissions."""
    factories.make_roles()


@pytest.fixture
def owner(roles: None) -> User:
    """An Owner."""
    return factories.make_user("owner@example.com")


@pytest.fixture
def fresh_cache() -> Iterator[None]:
    """Empty volume limits."""
    caches["limits"].clear()
    yield
    caches["limits"].clear()


@pytest.fixture
def tables(db: None) -> Callable[[], str]:
    """A function that returns every row of every table as text, bytes as hex and as text."""

    def dump() -> str:
        parts: list[str] = []
        with connection.cursor() as cursor:
            for table in connection.introspection.table_names(cursor):
                cursor.execute(f'SELECT * FROM "{table}"')
                for row in cursor.fetchall():
                    parts += [_text(value) for value in row]
        return "\n".join(parts)

    return dump


def _text(value: object) -> str:
    if isinstance(value, bytes | memoryview):
        raw = bytes(value)
        return f"{raw.hex()} {raw.decode('latin-1')}"
    return str(value)
