"""Ordered parts of an item (features, questions, metrics, links): what an entry may hold, and the check of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from django.core.exceptions import ValidationError

from cms.constants import PARTS_MAX
from cms.validators import validate_link, validate_plain
from common.weekdays import Weekday

TIME = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


class Kind(Enum):
    """How the text of a key is written and checked."""

    TEXT = "text"
    LONG = "long"
    LINK = "link"
    TIME = "time"
    WEEKDAY = "weekday"
    CHOICE = "choice"


@dataclass(frozen=True)
class Key:
    """One key of an entry; every entry has all keys, and those that are not required may be empty."""

    name: str
    label: str
    max_length: int = 200
    required: bool = True
    kind: Kind = Kind.TEXT


def check(entries: Any, keys: Sequence[Key]) -> None:
    """Raise Django's ValidationError unless `entries` is a list of objects with exactly these keys."""
    if not isinstance(entries, list) or len(entries) > PARTS_MAX:
        raise ValidationError(f"Give a list of at most {PARTS_MAX} entries.", code="invalid")
    for number, entry in enumerate(entries, start=1):
        if not isinstance(entry, Mapping) or set(entry) != {key.name for key in keys}:
            names = ", ".join(key.name for key in keys)
            raise ValidationError(f"Entry {number} must have exactly these keys: {names}.", code="invalid")
        for key in keys:
            _check_value(entry[key.name], key, number)


def _check_value(value: Any, key: Key, number: int) -> None:
    where = f"Entry {number}, {key.label.lower()}"
    if key.kind is Kind.WEEKDAY:
        if type(value) is not int or value not in Weekday.values:
            raise ValidationError(f"{where}: a day from 1 (Monday) to 7.", code="invalid")
        return
    if not isinstance(value, str) or len(value) > key.max_length:
        raise ValidationError(f"{where}: a text of at most {key.max_length} characters.", code="invalid")
    if key.required and not value.strip():
        raise ValidationError(f"{where}: this is missing.", code="required")
    validate_plain(value)
    if value and key.kind is Kind.LINK:
        validate_link(value)
    if value and key.kind is Kind.TIME and not TIME.fullmatch(value):
        raise ValidationError(f"{where}: a time such as 09:00.", code="invalid")
