"""Django's e-mail backend of local mode: one `.eml` file a message."""

import os
from collections.abc import Sequence
from pathlib import Path

from django.conf import settings
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from common.ids import uuid7
from mail.errors import NotHandedOver

PRIVATE = 0o600


class EmlFileBackend(BaseEmailBackend):
    """Writes to MAIL_FILE_PATH, and leaves the file's name in the message's `file_name`."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Write each message; raises NotHandedOver when the folder cannot be written."""
        for email in email_messages:
            name = f"{uuid7()}.eml"
            try:
                _write(Path(settings.MAIL_FILE_PATH), name, email.message().as_bytes())
            except OSError as fault:
                raise NotHandedOver(f"The mail folder cannot be written: {fault.strerror}.") from fault
            email.file_name = name  # type: ignore[attr-defined]  # how a backend answers, as Anymail's status
        return len(email_messages)


def _write(folder: Path, name: str, content: bytes) -> None:
    """Write the whole file or none, readable by its owner only: mails hold links that sign people in."""
    folder.mkdir(parents=True, exist_ok=True)
    unfinished = folder / f".{name}"
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE), "wb") as file:
        file.write(content)
    unfinished.replace(folder / name)
