"""How values without a widget of their own are shown to staff."""

import json
from collections.abc import Iterable
from typing import Any

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

NOTHING = "–"  # noqa: RUF001 - a dash for people


def as_text(text: str) -> SafeString:
    """A text with its line breaks."""
    return format_html("<pre>{}</pre>", text)


def as_json(value: Any) -> SafeString:
    """A value as indented JSON, its members in the order of their names."""
    return as_text(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))


def as_links(rows: Iterable[tuple[str, str, str]]) -> SafeString | str:
    """A list of links, each an address, a text and a note behind it."""
    lines = format_html_join("", '<li><a href="{}"><bdi>{}</bdi></a> {}</li>', rows)
    return format_html("<ul>{}</ul>", lines) if lines else NOTHING
