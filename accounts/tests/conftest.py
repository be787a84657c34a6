"""Fixtures of the accounts' tests."""

from collections.abc import Callable, Iterator

import pytest
from django.core.cache import caches
from django.db import connection

from accounts.keys import ring
from accounts.models import User
from accounts.tests import factories


@pytest.fixture(autouse=True)
def _fresh_keys() -> Iterator[None]:
    """No test sees another's signing keys."""
    ring.forget()
    yield
    ring.forget()


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
