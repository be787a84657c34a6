"""What the rich-text editor needs beyond the strict policy: two inline blocks, each allowed by its hash.

The import map names the editor's modules, and ProseMirror puts one style element into the page. Both are constants of
the installed version, so their hashes are computed once.
"""

import base64
import hashlib
import re
from functools import lru_cache
from pathlib import Path

import django_prose_editor
from django.db.models import Model
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import mark_safe
from django_prose_editor.widgets import importmap

from cms import sanitise
from cms.fields import RichTextField
from common.csp import csp_update

EDITOR = Path(django_prose_editor.__file__).parent / "static" / "django_prose_editor" / "editor.js"
_STYLE = re.compile(r"=`(\.ProseMirror \{[^`]*)`")
_BODY = re.compile(r"<script[^>]*>(.*)</script>", re.DOTALL)


@lru_cache(maxsize=1)
def policy() -> dict[str, list[str]]:
    """Return what pages with the editor add to the Content-Security-Policy; LookupError on an unknown version."""
    style = _STYLE.search(EDITOR.read_text(encoding="utf-8"))
    script = _BODY.search(str(importmap))
    if style is None or script is None or "\\" in style[1]:
        raise LookupError("The rich-text editor's inline blocks are not where its known versions have them.")
    return {"script-src": [_hash(script[1])], "style-src": [_hash(style[1])]}


def allowed(request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """Return the response with what the editor needs added to its policy."""
    csp_update(policy())(lambda _request: response)(request)
    return response


def show_formatted(item: Model) -> None:
    """Have a form that is only looked at show rich text as readers see it instead of its tags. Never save it then."""
    for field in item._meta.concrete_fields:
        if isinstance(field, RichTextField):
            clean = sanitise.html(getattr(item, field.attname))
            setattr(item, field.attname, mark_safe(clean))  # noqa: S308 - sanitised in the line above


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
