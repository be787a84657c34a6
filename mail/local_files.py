"""Reads back the `.eml` files of local mode, where a newcomer has no mailbox but the admin."""

import email
import email.policy
import re
from pathlib import Path

from django.conf import settings

from mail.models import Message

LINK = re.compile(r"https?://[^\s<>\"]+")


def is_shown() -> bool:
    """Say whether files, and the secret links in them, may be shown: in local mode only."""
    return bool(settings.LOCAL)


def file_of(message: Message) -> Path | None:
    """Return the message's file, if local mode wrote one and it is still there."""
    if not is_shown() or not message.file_name:
        return None
    path = Path(settings.MAIL_FILE_PATH) / Path(message.file_name).name
    return path if path.is_file() else None


def links_in(path: Path) -> list[str]:
    """Return the addresses in the text part but the footer's, each once, in order."""
    parsed = email.message_from_bytes(path.read_bytes(), policy=email.policy.default)
    body = parsed.get_body(("plain",))
    found = dict.fromkeys(LINK.findall(body.get_content() if body else ""))
    return [link for link in found if link != settings.PUBLIC_URL]
