"""One dependency's state, as `/health`, `/readyz` and the admin's health card show it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Status = Literal["ok", "degraded", "down"]


@dataclass(frozen=True, slots=True)
class Check:
    """`reason` is a snake_case word for machines; `details` are further members."""

    name: str
    status: Status
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """The reason for people."""
        return self.reason.replace("_", " ")

    def as_dict(self) -> dict[str, Any]:
        """The member under `checks`."""
        return {"status": self.status, **({"reason": self.reason} if self.reason else {}), **self.details}
