"""The one sanitiser of rich text: what the editor can make is what may be stored, and nothing else."""

import re
from functools import lru_cache
from html import unescape
from typing import Any
from urllib.parse import unquote, urlsplit

import nh3
from django.conf import settings
from django_prose_editor.config import allowlist_from_extensions

EXTENSIONS: dict[str, Any] = {
    "Bold": True,
    "Italic": True,
    "Strike": True,
    "Code": True,
    "Heading": {"levels": [2, 3, 4]},
    "BulletList": True,
    "OrderedList": True,
    "ListItem": True,
    "Blockquote": True,
    "CodeBlock": True,
    "HorizontalRule": True,
    "HardBreak": True,
    "Link": {"enableTarget": False, "protocols": ["http", "https", "mailto", "tel"]},
    "Figure": True,
    "Caption": True,
    "Image": True,
}
CACHED_TEXTS = 256

_ATTRIBUTES = (
    r"((?:\s[\w-]+=\"[^\"]*\")*)"  # html5ever writes every attribute in double quotes and escapes those inside
)
_LINK = re.compile(rf"<a{_ATTRIBUTES}>")
_IMAGE = re.compile(rf"<img{_ATTRIBUTES}>")
_HREF = re.compile(r"\shref=\"([^\"]*)\"")
_EMPTY = re.compile(r"\A(?:\s|<p>\s*(?:<br>)?\s*</p>)*\Z")
_LOCAL_PATH = re.compile(r"\A(?:#|/(?![/\\]))[^\s\\]*\Z")
_BLANK = re.compile(r"\s")
_DROPPED_CHARACTERS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")


def html(dirty: str) -> str:
    """Return `dirty` reduced to the editor's vocabulary; cleaning twice equals cleaning once.

    Links that leave our own origins get `rel="noopener nofollow"`; pictures from anywhere but our media are
    removed; a text that shows nothing becomes the empty string.
    """
    return _clean(dirty) if dirty else ""


@lru_cache(maxsize=CACHED_TEXTS)
def _clean(dirty: str) -> str:
    text = _cleaner().clean(_DROPPED_CHARACTERS.sub("", dirty))
    text = _IMAGE.sub(lambda match: match[0] if ' src="' in match[1] else "", text)
    text = _LINK.sub(_with_rel, text).strip()
    return "" if _EMPTY.match(text) else text


@lru_cache(maxsize=1)
def _cleaner() -> nh3.Cleaner:
    allowed = allowlist_from_extensions(EXTENSIONS)
    attributes = {tag: set(names) - {"rel", "class", "style"} for tag, names in allowed["attributes"].items()}
    return nh3.Cleaner(
        tags=set(allowed["tags"]),
        attributes=attributes,
        url_schemes=set(allowed["url_schemes"]),
        attribute_filter=_attribute,
        link_rel=None,
    )


def _attribute(tag: str, name: str, value: str) -> str | None:
    if tag == "img" and name == "src":
        # Browsers take tabs and line breaks out of an address, which would make two dots of two single ones.
        plain = not _BLANK.search(value) and ".." not in unquote(value)
        return value if plain and value.startswith(f"{settings.MEDIA_BASE_URL}/") else None
    return value


def _with_rel(match: re.Match[str]) -> str:
    href = _HREF.search(match[1])
    if href is None or is_ours(unescape(href[1])):
        return match[0]
    return f'<a{match[1]} rel="noopener nofollow">'


def is_ours(url: str) -> bool:
    """Tell whether `url` stays on this studio's own origins (a path, an anchor, or one of the configured ones)."""
    if _LOCAL_PATH.match(url):
        return True
    parts = urlsplit(url)
    origin = f"{parts.scheme}://{parts.netloc}"
    return origin in {settings.PUBLIC_URL, settings.FRONTEND_URL} - {""}
