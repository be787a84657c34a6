"""Form-encoded parameters: nested names into dictionaries, then each held to what its endpoint takes.

A ``Spec`` maps a parameter's name to a reader, which turns the raw value into the right type or raises ``ApiError``.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

from devkit.stripe.errors import ApiError

Reader = Callable[[Any, str], Any]
Spec = Mapping[str, Reader]

_SEGMENT = re.compile(r"\[([^\[\]]*)\]")
METADATA_KEYS_MAX = 50
METADATA_KEY_MAX_LENGTH = 40
METADATA_VALUE_MAX_LENGTH = 500
STRING_MAX_LENGTH = 5000
PAGE_MAX = 100


def decode(encoded: str) -> dict[str, Any]:
    """Parse a query string or form body; ``a[b]=1`` nests, ``a[]=1`` and ``a[0]=1`` make lists."""
    tree: dict[str, Any] = {}
    for name, value in parse_qsl(encoded, keep_blank_values=True):
        head, bracket, _ = name.partition("[")
        _insert(tree, [head, *_SEGMENT.findall(name)] if bracket else [head], value, name)
    return {key: _listed(value) for key, value in tree.items()}


def _insert(tree: dict[str, Any], path: list[str], value: str, name: str) -> None:
    for segment in path[:-1]:
        tree = tree.setdefault(segment, {})
        if not isinstance(tree, dict):
            raise ApiError(f"Invalid hash: {name}", param=name)
    tree[path[-1] or str(len(tree))] = value


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and set(value) == {str(position) for position in range(len(value))}:
        return [_listed(value[str(position)]) for position in range(len(value))]
    return {key: _listed(item) for key, item in value.items()}


def read(raw: Mapping[str, Any], spec: Spec, *, required: tuple[str, ...] = ()) -> dict[str, Any]:
    """Check ``raw`` against ``spec`` and return typed values. Unknown, missing and malformed parameters are refused."""
    unknown = sorted(set(raw) - set(spec))
    if unknown:
        plural = "s" if len(unknown) > 1 else ""
        raise ApiError(
            f"Received unknown parameter{plural}: {', '.join(unknown)}", code="parameter_unknown", param=unknown[0]
        )
    for name in required:
        if name not in raw:
            raise ApiError(f"Missing required param: {name}.", code="parameter_missing", param=name)
    return {name: spec[name](value, name) for name, value in raw.items()}


def string(value: Any, name: str) -> str:
    """A text that is not empty."""
    if not isinstance(value, str):
        raise ApiError(f"Invalid string: {name} is a hash or an array", param=name)
    if not value:
        message = f"You passed an empty string for '{name}', and '{name}' cannot be unset."
        raise ApiError(message, code="parameter_invalid_empty", param=name)
    if len(value) > STRING_MAX_LENGTH:
        raise ApiError(f"Invalid string: {name} is longer than {STRING_MAX_LENGTH} characters.", param=name)
    return value


def clearable(value: Any, name: str) -> str | None:
    """A text; the empty one unsets the field."""
    return None if value == "" else string(value, name)


def integer(value: Any, name: str) -> int:
    """A whole number in ASCII digits."""
    if not isinstance(value, str) or not re.fullmatch(r"-?[0-9]{1,19}", value):
        raise ApiError(f"Invalid integer: {value}", code="parameter_invalid_integer", param=name)
    return int(value)


def positive(value: Any, name: str) -> int:
    """A whole number of at least 1."""
    number = integer(value, name)
    if number < 1:
        raise ApiError("This value must be greater than or equal to 1.", code="parameter_invalid_integer", param=name)
    return number


def boolean(value: Any, name: str) -> bool:
    """``true`` or ``false``."""
    if value not in ("true", "false"):
        raise ApiError(f"Invalid boolean: {value}", param=name)
    return bool(value == "true")


def choice(*allowed: str) -> Reader:
    """One of the words given."""

    def reader(value: Any, name: str) -> str:
        if value not in allowed:
            raise ApiError(f"Invalid {name}: must be one of {', '.join(allowed)}", param=name)
        return str(value)

    return reader


def array(item: Reader) -> Reader:
    """A list of what ``item`` reads."""

    def reader(value: Any, name: str) -> list[Any]:
        if not isinstance(value, list):
            raise ApiError("Invalid array", param=name)
        return [item(element, f"{name}[{position}]") for position, element in enumerate(value)]

    return reader


def shape(spec: Spec, *, required: tuple[str, ...] = ()) -> Reader:
    """A hash with the members of ``spec``."""

    def reader(value: Any, name: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise ApiError("Invalid object", param=name)
        return read(value, {key: _within(name, inner) for key, inner in spec.items()}, required=required)

    return reader


def _within(outer: str, inner: Reader) -> Reader:
    return lambda value, name: inner(value, f"{outer}[{name}]")


def metadata(value: Any, name: str) -> dict[str, str]:
    """Up to 50 texts by key; an empty text removes its key, and the empty string instead of a hash removes all."""
    if value == "":
        return {}
    if isinstance(value, list):
        value = {str(position): item for position, item in enumerate(value)}
    if not isinstance(value, dict) or not all(isinstance(item, str) for item in value.values()):
        raise ApiError("Invalid object", param=name)
    if len(value) > METADATA_KEYS_MAX:
        raise ApiError(f"You can specify up to {METADATA_KEYS_MAX} metadata keys.", param=name)
    for key, item in value.items():
        if len(key) > METADATA_KEY_MAX_LENGTH or len(item) > METADATA_VALUE_MAX_LENGTH:
            raise ApiError(f"The metadata key or value is too long: {key[:METADATA_KEY_MAX_LENGTH]}", param=name)
    return value


def merge_metadata(present: dict[str, str], changes: Mapping[str, str]) -> dict[str, str]:
    """The metadata after an update: given keys replace, empty values remove, the rest stays."""
    return {key: item for key, item in {**present, **changes}.items() if item}


def instants(value: Any, name: str) -> dict[str, int]:
    """A filter on a time: one Unix second, or a hash of ``gt``, ``gte``, ``lt``, ``lte``."""
    if isinstance(value, str):
        second = integer(value, name)
        return {"gte": second, "lte": second}
    bounds: dict[str, int] = shape({"gt": integer, "gte": integer, "lt": integer, "lte": integer})(value, name)
    return bounds


def page_size(value: Any, name: str) -> int:
    """How many objects a list page has: 1 to 100."""
    number = integer(value, name)
    if not 1 <= number <= PAGE_MAX:
        raise ApiError(f"Invalid limit: must be between 1 and {PAGE_MAX}", code="parameter_invalid_integer", param=name)
    return number


EXPAND: Spec = {"expand": array(string)}
PAGE: Spec = {"limit": page_size, "starting_after": string, "ending_before": string, **EXPAND}
"""What every list takes; ``created`` is added where Stripe has it."""
