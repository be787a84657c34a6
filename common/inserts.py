"""Inserts that decide by themselves whether a row is new, which Django's do not tell, and whose SQL is made once."""

from functools import cache
from typing import Any

from django.db import connection
from django.db.models import Field, Model


def insert_if_new(row: Model) -> bool:
    """Insert the row in one statement; False, and nothing is written, when a unique constraint stands against it."""
    plain, _ = _statements(type(row))
    return _run(row, plain, _values(row))


def insert_both_if_new(first: Model, second: Model) -> bool:
    """Insert two rows in one statement, hence both or neither; neither when `first` is not new.

    A unique constraint against `second` is an IntegrityError. Neither row may refer to the other.
    """
    plain, _ = _statements(type(first))
    _, after = _statements(type(second))
    found = _run(second, f"WITH first AS ({plain}) {after}", [*_values(first), *_values(second)])
    if found:
        _settle(first)
    return found


@cache
def _statements(model: type[Model]) -> tuple[str, str]:
    """The INSERT of one row, and that of a row which is inserted only where there is a `first`."""
    quoted = connection.ops.quote_name
    columns = [quoted(str(field.column)) for field in _written(model)]
    marks = ", ".join(["%s"] * len(columns))
    into = f"INSERT INTO {quoted(model._meta.db_table)} ({', '.join(columns)})"
    back = "RETURNING " + ", ".join(quoted(str(field.column)) for field in _returned(model))
    after = f"{into} SELECT {marks} FROM first {back}"  # noqa: S608 - names of ours
    return f"{into} VALUES ({marks}) ON CONFLICT DO NOTHING {back}", after


@cache
def _written(model: type[Model]) -> "list[Field[Any, Any]]":
    return [field for field in model._meta.concrete_fields if not field.generated]


@cache
def _returned(model: type[Model]) -> "list[Field[Any, Any]]":
    return [field for field in model._meta.concrete_fields if field.generated or field.primary_key]


def _values(row: Model) -> list[Any]:
    return [field.get_db_prep_save(field.pre_save(row, add=True), connection) for field in _written(type(row))]


def _run(row: Model, statement: str, values: list[Any]) -> bool:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found = cursor.fetchone()
    if found is None:
        return False
    for field, value in zip(_returned(type(row)), found, strict=True):
        setattr(row, str(field.attname), value)
    _settle(row)
    return True


def _settle(row: Model) -> None:
    row._state.adding, row._state.db = False, connection.alias
