"""What readers get of a rich text: HTML with anchors, plain text and a table of contents."""

import re
from functools import lru_cache
from html import unescape
from typing import Any

from django.utils.text import slugify

from cms.constants import WORDS_PER_MINUTE

CACHED_TEXTS = 128

_HEADING = re.compile(r"<h([2-4])>(.*?)</h\1>", re.DOTALL)
_BLOCK_END = re.compile(r"</(?:p|h[2-4]|li|blockquote|pre|figcaption|figure)>|<(?:br|hr)>")
_TAG = re.compile(r"</?[a-z][^>\"]*(?:\"[^\"]*\"[^>\"]*)*>")
_SPACE = re.compile(r"\s+")


def plain(html: str) -> str:
    """Return the words of sanitised `html` in one line."""
    return _SPACE.sub(" ", unescape(_TAG.sub("", _BLOCK_END.sub(" ", html)))).strip()


def word_count(html: str) -> int:
    """Count the words of sanitised `html`."""
    return len(plain(html).split())


def minutes(words: int) -> int:
    """Return how many minutes reading `words` takes, at least one if there are any."""
    return -(-words // WORDS_PER_MINUTE)


@lru_cache(maxsize=CACHED_TEXTS)
def _rendered(html: str) -> tuple[str, str, tuple[tuple[str, int, str], ...]]:
    headings: list[tuple[str, int, str]] = []
    used: set[str] = set()

    def anchor(match: re.Match[str]) -> str:
        text = plain(match[2])
        name = _unused(slugify(text) or "section", used)
        headings.append((name, int(match[1]), text))
        return f'<h{match[1]} id="{name}">{match[2]}</h{match[1]}>'

    return _HEADING.sub(anchor, html), plain(html), tuple(headings)


def _unused(name: str, used: set[str]) -> str:
    candidate, number = name, 1
    while candidate in used:
        number += 1
        candidate = f"{name}-{number}"
    used.add(candidate)
    return candidate


def render(html: str) -> dict[str, Any]:
    """Return `{html, text, toc}` of sanitised `html`; every heading gets an id that is unique within the text."""
    anchored, text, headings = _rendered(html)
    return {"html": anchored, "text": text, "toc": [{"id": i, "level": level, "text": t} for i, level, t in headings]}
