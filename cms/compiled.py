"""Queries whose SQL is made once: Django takes longer to write the SQL of a list than PostgreSQL to run it.

What is kept is text and the readers of columns, never content, so that nothing here can be out of date.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self

from django.db import connections
from django.db.models import QuerySet

from cms.output import Row

Converter = Callable[[Any, Any, Any], Any]


@dataclass(frozen=True, slots=True)
class Compiled:
    """A `values()` queryset as SQL: a slice of it asks the database, as a slice of the queryset would."""

    sql: str
    parameters: tuple[Any, ...]
    names: tuple[str, ...]
    converters: tuple[tuple[str, Any, Sequence[Converter]], ...]
    alias: str

    @classmethod
    def of(cls, queryset: QuerySet[Any, Row]) -> Self:
        """Compile a queryset that is not sliced; raises EmptyResultSet where Django need not ask to find nothing."""
        query = queryset.query
        compiler = query.get_compiler(queryset.db)
        sql, parameters = compiler.as_sql()
        names = (*query.values_select, *query.annotation_select)
        found = compiler.get_converters([column for column, _sql, _alias in compiler.select])
        converters = tuple((names[place], column, converters) for place, (converters, column) in found.items())
        return cls(sql, tuple(parameters), names, converters, queryset.db)

    def __getitem__(self, bounds: slice) -> list[Row]:
        """Return the rows from `start` to before `stop`, both given."""
        connection = connections[self.alias]
        with connection.cursor() as cursor:
            limits = f" LIMIT {bounds.stop - bounds.start:d} OFFSET {bounds.start:d}"
            cursor.execute(self.sql + limits, self.parameters)
            rows = [dict(zip(self.names, row, strict=True)) for row in cursor.fetchall()]
        for name, column, converters in self.converters:
            for convert in converters:
                for row in rows:
                    row[name] = convert(row[name], column, connection)
        return rows
