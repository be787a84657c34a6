"""The pages that alerts link to: the sections of docs/operations.md whose heading names an alert."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.html import conditional_escape, format_html
from django.utils.safestring import SafeString, mark_safe

HEADING = re.compile(r"^## (?P<title>.+?) \(alerts? (?P<codes>`[a-z_]+`(?:, `[a-z_]+`)*)\)$", re.MULTILINE)
NEXT_HEADING = re.compile(r"^## ", re.MULTILINE)
BLANK_LINE = re.compile(r"\n\s*\n")
ITEM = re.compile(r"(?:^|\n)(?:-|\d+\.) ")
LISTS = {"-": "ul", "1": "ol"}


@dataclass(frozen=True, slots=True)
class Page:
    """One section: what happened, and what to do about it."""

    title: str
    codes: tuple[str, ...]
    html: SafeString


@lru_cache(maxsize=1)
def pages() -> dict[str, Page]:
    """Every section that is about an alert, by each of its codes."""
    text = (settings.BASE_DIR / "docs" / "operations.md").read_text(encoding="utf-8")
    return {code: page for page in _read(text) for code in page.codes}


def _read(text: str) -> Iterator[Page]:
    for heading in HEADING.finditer(text):
        following = NEXT_HEADING.search(text, heading.end())
        body = text[heading.end() : following.start() if following else len(text)]
        blocks = [_block(block) for block in BLANK_LINE.split(body.strip())]
        codes = tuple(re.findall(r"[a-z_]+", heading["codes"]))
        yield Page(heading["title"], codes, mark_safe("\n".join(blocks)))  # noqa: S308 - each block escapes its text


def _block(text: str) -> SafeString:
    """A paragraph or a list; the sections use nothing else."""
    kind = LISTS.get(text[0])
    if kind is None:
        return format_html("<p>{}</p>", _inline(text))
    items = "".join(format_html("<li>{}</li>", _inline(item)) for item in ITEM.split(text) if item)
    return format_html("<{0}>{1}</{0}>", mark_safe(kind), mark_safe(items))  # noqa: S308 - of constants, and escaped


def _inline(text: str) -> SafeString:
    """Words, with code between backticks and names of the admin between asterisks."""
    safe = str(conditional_escape(" ".join(text.split())))
    safe = re.sub(r"`([^`]+)`", r"<code>\1</code>", safe)
    return mark_safe(re.sub(r"\*([^*]+)\*", r"<em>\1</em>", safe))  # noqa: S308 - escaped above


def index(request: HttpRequest) -> HttpResponse:
    """Every alert."""
    return render(request, "docs/runbook_index.html", {"pages": sorted(pages().items())})


def page(request: HttpRequest, code: str) -> HttpResponse:
    """What an alert's mail links to."""
    found = pages().get(code)
    if found is None:
        raise Http404
    return render(request, "docs/runbook.html", {"page": found, "code": code})
