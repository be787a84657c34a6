"""What an audit event is about."""

from dataclasses import dataclass

from django.db.models import Model


@dataclass(frozen=True, slots=True)
class Target:
    """`type` is `app.model` in lower case, or a word such as `email`; the label is for people."""

    type: str
    id: str
    label: str = ""

    @classmethod
    def of(cls, row: Model) -> "Target":
        """The target that stands for a row."""
        return cls(row._meta.label_lower, str(row.pk), str(row)[:200])
