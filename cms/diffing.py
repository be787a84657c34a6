"""What changed between two snapshots of a type, field by field; it reads nothing but its arguments."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any, Literal

from django.db.models import BooleanField, CharField, Field, Model, TextField
from django.utils.text import capfirst

from cms import rich_text, snapshots
from cms.fields import PartsField, RichTextField
from cms.models import Publishable

Change = Literal["added", "removed", "same"]
Kind = Literal["text", "rich_text", "relation", "value"]
_WORD = re.compile(r"\s*\S+|\s+\Z")
_VOID = frozenset({"br", "hr", "img"})


@dataclass(frozen=True)
class Part:
    """A piece of a field: plain `text`; of rich text also the block as sanitised HTML."""

    change: Change
    text: str
    html: str = ""


@dataclass(frozen=True)
class FieldChange:
    """One field that differs, with its name for people and its pieces in reading order.

    Joined, the parts of a `text` that are not removed are the newer value, those that are not added the older one.
    A part of `rich_text` is a block, of `relation` a row, of `value` a whole value or an entry of an ordered part.
    """

    key: str
    label: str
    kind: Kind
    parts: tuple[Part, ...]


def diff(
    model: type[Publishable],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    names: Mapping[str, str] | None = None,
) -> list[FieldChange]:
    """Return the fields that differ, in the model's order. `names` maps keys of other rows to what people call them."""
    return [
        _change(field, model, before.get(field.name), after.get(field.name), names or {})
        for field in (*snapshots.columns(model), *model._meta.many_to_many)
        if before.get(field.name) != after.get(field.name)
    ]


def _change(field: Any, model: type[Publishable], old: Any, new: Any, names: Mapping[str, str]) -> FieldChange:
    kind, parts = _parts(field, model, old, new, names)
    return FieldChange(field.name, str(capfirst(field.verbose_name)), kind, tuple(parts))


def _parts(
    field: "Field[Any, Any]", model: type[Publishable], old: Any, new: Any, names: Mapping[str, str]
) -> tuple[Kind, Iterator[Part]]:
    if field.is_relation:
        return "relation", _steps(_rows(field, model, old, names), _rows(field, model, new, names))
    if isinstance(field, RichTextField):
        return "rich_text", _blocks_changed(old or "", new or "")
    if isinstance(field, PartsField):
        return "value", _steps(_entries(field, old), _entries(field, new))
    if isinstance(field, CharField | TextField) and not field.choices:
        return "text", _words_changed(old or "", new or "")
    return "value", _steps(_value(field, old), _value(field, new))


def _steps(old: Sequence[str], new: Sequence[str]) -> Iterator[Part]:
    for change, piece in _compared(old, new):
        yield Part(change, piece)


def _compared(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[Change, str]]:
    for tag, start, end, new_start, new_end in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (("same", piece) for piece in new[new_start:new_end])
        else:
            yield from (("removed", piece) for piece in old[start:end])
            yield from (("added", piece) for piece in new[new_start:new_end])


def _words_changed(old: str, new: str) -> Iterator[Part]:
    """Words with the space before them; neighbours of one kind are one part."""
    texts: list[tuple[Change, str]] = []
    for change, word in _compared(_WORD.findall(old), _WORD.findall(new)):
        if texts and texts[-1][0] == change:
            texts[-1] = (change, texts[-1][1] + word)
        else:
            texts.append((change, word))
    return (Part(change, text) for change, text in texts)


def _blocks_changed(old: str, new: str) -> Iterator[Part]:
    for change, block in _compared(blocks(old), blocks(new)):
        yield Part(change, rich_text.plain(block), block)


def blocks(html: str) -> list[str]:
    """Split sanitised HTML into its outermost elements; text between them is a block of its own."""
    splitter = _Splitter(html)
    splitter.feed(html)
    splitter.close()
    return [block for block in splitter.found(len(html)) if block]


class _Splitter(HTMLParser):
    """Notes where an outermost element ends."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=False)
        self._html, self._depth, self._cuts = html, 0, [0]
        self._lines = [0, *(match.end() for match in re.finditer("\n", html))]

    def _here(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._depth == 0:
            self._cuts.append(self._here())
        if tag not in _VOID:
            self._depth += 1
        elif self._depth == 0:
            self._cuts.append(self._here() + len(self.get_starttag_text() or ""))

    def handle_endtag(self, tag: str) -> None:
        self._depth = max(0, self._depth - 1)
        if self._depth == 0:
            self._cuts.append(self._html.index(">", self._here()) + 1)

    def found(self, end: int) -> list[str]:
        """The pieces between the cuts."""
        places = [*self._cuts, end]
        return [self._html[start:stop].strip() for start, stop in pairwise(places)]


def _rows(field: "Field[Any, Any]", model: type[Publishable], value: Any, names: Mapping[str, str]) -> list[str]:
    if not field.many_to_many:
        return [] if value is None else [names.get(str(value), str(value))]
    ordered = model.ORDERED.get(field.name)
    keys = snapshots.targets(model, field.name, value or [])
    texts = [[entry[text] for text in ordered.texts] if ordered and ordered.texts else [] for entry in value or []]
    return [" · ".join(filter(None, [names.get(key, key), *said])) for key, said in zip(keys, texts, strict=True)]


def _entries(field: PartsField, value: Any) -> list[str]:
    return ["\n".join(f"{key.label}: {entry.get(key.name, '')}" for key in field.keys) for entry in value or []]


def _value(field: "Field[Any, Any]", value: Any) -> list[str]:
    if value is None or value == "":
        return []
    if isinstance(field, BooleanField):
        return ["Yes" if value else "No"]
    if field.choices:
        return [str(dict(field.flatchoices).get(value, value))]
    return [value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)]


def referred(model: type[Publishable], *snapshots_of_it: Mapping[str, Any]) -> dict[type[Model], set[str]]:
    """Return the keys of other rows that the snapshots name, by their model: what `names` is looked up from."""
    found: dict[type[Model], set[str]] = {}
    for field in (*snapshots.columns(model), *model._meta.many_to_many):
        if field.related_model is not None:
            keys = found.setdefault(field.related_model, set())
            for snapshot in snapshots_of_it:
                keys |= set(_keys(field, model, snapshot.get(field.name)))
    return found


def _keys(field: Any, model: type[Publishable], value: Any) -> list[str]:
    if field.many_to_many:
        return snapshots.targets(model, field.name, value or [])
    return [] if value is None else [str(value)]
