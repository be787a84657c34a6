"""The few tables whose every change must come with an audit event; `release` puts a net of triggers under them."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Watched:
    """A table; `target` is the type that the event names, `key` the column with its id.

    `columns` are those whose change counts; inserting and deleting always does.
    """

    table: str
    target: str
    key: str
    columns: tuple[str, ...]


_registry: dict[str, Watched] = {}


def watch(table: str, *, target: str, key: str = "id", columns: Iterable[str] = ()) -> None:
    """Have every insert and delete of the table, and every change of these columns, ask for an audit event."""
    _registry[table] = Watched(table, target, key, tuple(columns))


def registered() -> list[Watched]:
    """All watched tables by name."""
    return [_registry[name] for name in sorted(_registry)]
