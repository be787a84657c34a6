"""What staff may write of a type: the keys of its bodies, as data beside the outputs.

How a value is read and checked follows from the column or relation that a key sets; `cms.api.bodies` makes the body
of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Writable:
    """One key of a body.

    `columns` maps each column or relation of the model that it sets to the member of the value that holds it, or to
    "" for the value itself. With `whole` a value has all its members; without, those that are absent stay as they are.
    `optional` is for a column that an action fills where a new row leaves it out.
    """

    name: str
    columns: Mapping[str, str]
    whole: bool = True
    optional: bool = False
    fields: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_group(self) -> bool:
        """Whether the value is an object of members."""
        return "" not in self.columns.values()

    def pointer(self, column: str) -> str:
        """Where a fault of a column stands in the body."""
        member = self.columns[column]
        return f"{self.name}/{member}" if member else self.name


def own(*names: str, optional: bool = False) -> tuple[Writable, ...]:
    """Keys that set the column or relation of the same name."""
    return tuple(Writable(name, {name: ""}, optional=optional) for name in names)


def group(name: str, /, *, whole: bool = True, fields: Mapping[str, Any] | None = None, **members: str) -> Writable:
    """One key with an object whose members each set a column: `group("price", amount="price_amount", …)`.

    `fields` puts a DRF field in the place of the one that a column would get.
    """
    return Writable(name, {column: member for member, column in members.items()}, whole, fields=fields or {})


def pointers(keys: tuple[Writable, ...]) -> dict[str, str]:
    """Return where each column's faults stand in the body."""
    return {column: key.pointer(column) for key in keys for column in key.columns}
