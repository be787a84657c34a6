"""JSON in: strict, because two readers of one body must never see two things."""

import json
from typing import IO, Any, NoReturn

from rest_framework.parsers import BaseParser

from common.errors import MalformedJson

DEEPEST_NESTING = 32
NUL = "\x00"


class StrictJsonParser(BaseParser):
    """Refuses duplicate keys, NaN and Infinity, NUL, lone surrogates, and more than 32 levels."""

    media_type = "application/json"

    def parse(self, stream: IO[bytes], media_type: str | None = None, parser_context: Any = None) -> Any:
        """The value of the body; raises MalformedJson."""
        return parse_json(stream.read())


def parse_json(body: bytes) -> Any:
    """The value that `body` holds; raises MalformedJson."""
    try:
        value = json.loads(body.decode("utf-8"), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as fault:
        raise MalformedJson(str(fault) if isinstance(fault, _Refused) else None) from fault
    _inspect(value, 1)
    return value


class _Refused(ValueError):
    """A refusal with a sentence of ours."""


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise _Refused("An object holds the same key twice.")
    return members


def _no_constant(name: str) -> NoReturn:
    raise _Refused(f"{name} is not a JSON number.")


def _inspect(value: Any, depth: int) -> None:
    """Refuse what json.loads lets through."""
    if depth > DEEPEST_NESTING:
        raise MalformedJson("The body is nested more than 32 levels deep.")
    if isinstance(value, str):
        if NUL in value or any("\ud800" <= char <= "\udfff" for char in value):
            raise MalformedJson("Text may hold neither NUL nor lone surrogates.")
    elif isinstance(value, float) and value in {float("inf"), float("-inf")}:
        raise MalformedJson("A number is too large.")
    elif isinstance(value, dict):
        for key, member in value.items():
            _inspect(key, depth + 1)
            _inspect(member, depth + 1)
    elif isinstance(value, list):
        for member in value:
            _inspect(member, depth + 1)
