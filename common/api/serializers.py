"""Base classes of serializers: unknown fields are refused, and no type is guessed from another."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from django.utils.dateparse import parse_datetime
from rest_framework import serializers

from common.errors import FieldError
from common.instants import instant


class StrictSerializer(serializers.Serializer[Any]):
    """A DRF serializer that refuses unknown members and coerces nothing."""

    def to_internal_value(self, data: Any) -> Any:
        """Validate, with one error for each unknown member beside the fields' own."""
        if not isinstance(data, Mapping):
            raise serializers.ValidationError({"": ["A JSON object is wanted here."]}, code="invalid")
        writable = {name for name, field in self.fields.items() if not field.read_only}
        unknown = [name for name in data if name not in writable]
        faults: dict[str, Any] = {
            name: [serializers.ErrorDetail(f"Allowed: {', '.join(sorted(writable))}.", code="unknown_field")]
            for name in unknown
        }
        try:
            value = super().to_internal_value(data)
        except serializers.ValidationError as fault:
            detail = fault.detail if isinstance(fault.detail, dict) else {"": fault.detail}
            raise serializers.ValidationError(detail | faults) from fault
        if faults:
            raise serializers.ValidationError(faults)
        return value


class StrictCharField(serializers.CharField):
    """Text that must be a JSON string; trimmed unless told otherwise."""

    def to_internal_value(self, data: Any) -> str:
        """The text; a number or a boolean is refused instead of written out."""
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictUUIDField(serializers.UUIDField):
    """A UUID in a JSON string."""

    def to_internal_value(self, data: Any) -> Any:
        """The UUID; a number is refused, though one could be read as a UUID."""
        if not isinstance(data, str):
            self.fail("invalid", value=data)
        return super().to_internal_value(data)


class StrictIntegerField(serializers.IntegerField):
    """A JSON integer: not a boolean, a float, nor digits in a string."""

    def to_internal_value(self, data: Any) -> int:
        """The integer."""
        if not isinstance(data, int) or isinstance(data, bool):
            self.fail("invalid")
        return super().to_internal_value(data)


class StrictBooleanField(serializers.BooleanField):
    """A JSON boolean, nothing that looks like one."""

    def to_internal_value(self, data: Any) -> bool:
        """The boolean."""
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class InstantField(serializers.DateTimeField):
    """An instant as RFC 3339 in UTC with whole seconds: `2026-11-22T09:00:00Z`; input needs a zone."""

    default_error_messages = {"no_zone": "An instant needs a zone, as in 2026-11-22T09:00:00Z."}

    def to_representation(self, value: Any) -> Any:
        """The text of an instant."""
        return instant(value) if isinstance(value, datetime) else value

    def to_internal_value(self, value: Any) -> Any:
        """The aware datetime in UTC."""
        if not isinstance(value, str):
            self.fail("invalid", format="RFC 3339")
        if not (value.endswith(("Z", "z")) or "+" in value[10:] or "-" in value[10:]):
            self.fail("no_zone" if _is_read(value) else "invalid", format="RFC 3339")
        try:
            return super().to_internal_value(value).astimezone(UTC)
        except OverflowError:
            self.fail("overflow")


def _is_read(text: str) -> bool:
    """Whether a text is a date and time at all."""
    try:
        return parse_datetime(text) is not None
    except ValueError:
        return False


class CurrencyField(StrictCharField):
    """A currency in any case, made upper case."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("help_text", "ISO 4217, in any case.")
        super().__init__(**{"min_length": 3, "max_length": 3, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        """The code in upper case."""
        return super().to_internal_value(data).upper()


class MoneySerializer(serializers.Serializer[Any]):
    """An amount in minor units with its currency."""

    amount = serializers.IntegerField(help_text="Minor units of the currency.")
    currency = serializers.CharField(help_text="ISO 4217, upper case.")


class CursorMetaSerializer(serializers.Serializer[Any]):
    """`meta` of a cursor list."""

    per_page = serializers.IntegerField()


class CursorLinksSerializer(serializers.Serializer[Any]):
    """`links` of a cursor list; null at an end."""

    self = serializers.URLField()
    next = serializers.URLField(allow_null=True)
    prev = serializers.URLField(allow_null=True)


class PageLinksSerializer(serializers.Serializer[Any]):
    """`links` of a page list; prev and next are null at the ends."""

    self = serializers.URLField()
    first = serializers.URLField()
    prev = serializers.URLField(allow_null=True)
    next = serializers.URLField(allow_null=True)
    last = serializers.URLField()


class SelfLinkSerializer(serializers.Serializer[Any]):
    """`links` of a thing with one address."""

    self = serializers.URLField()


def field_errors(detail: Any, pointer: str = "#") -> list[FieldError]:
    """DRF's nested details as a flat list with JSON pointers (RFC 6901)."""
    if isinstance(detail, Mapping):
        found: list[FieldError] = []
        for name, inner in detail.items():
            step = str(name).replace("~", "~0").replace("/", "~1")
            found += field_errors(inner, pointer if name in {"", "non_field_errors"} else f"{pointer}/{step}")
        return found
    if isinstance(detail, list):
        found = []
        for index, inner in enumerate(detail):
            nested = isinstance(inner, Mapping | list)
            found += field_errors(inner, f"{pointer}/{index}" if nested and inner else pointer)
        return found
    return [FieldError(getattr(detail, "code", "invalid") or "invalid", str(detail), pointer)]
