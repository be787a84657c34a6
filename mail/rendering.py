"""Renders a message from its three templates, `templates/mail/<name>.{subject.txt,txt,html}`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.template import Context, engines

from mail.constants import SUBJECT_LENGTH


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message as people read it."""

    subject: str
    text: str
    html: str


def render(template: str, context: Mapping[str, Any]) -> Rendered:
    """Render all three parts; only the HTML part is escaped. Raises TemplateDoesNotExist when one is missing."""
    text = _part(f"mail/{template}.txt", context, escape=False)
    return Rendered(render_subject(template, context), text.strip() + "\n", _part(f"mail/{template}.html", context))


def render_subject(template: str, context: Mapping[str, Any]) -> str:
    """Render the subject as the one line that a header may be."""
    subject = _part(f"mail/{template}.subject.txt", context, escape=False)
    return " ".join(subject.split())[:SUBJECT_LENGTH]


def _part(name: str, context: Mapping[str, Any], *, escape: bool = True) -> str:
    everywhere = {"studio_name": settings.STUDIO_NAME, "public_url": settings.PUBLIC_URL}
    template = engines["django"].engine.get_template(name)  # type: ignore[attr-defined]  # Django's own engine has it
    return str(template.render(Context(everywhere | dict(context), autoescape=escape)))
