"""`manage.py make_local_owner`: the login that `make run` prints. Local mode only."""

import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from accounts import selectors
from accounts.actions import users
from common.actor import Actor

EMAIL = "owner@studio.example"
PASSWORD_BYTES = 18
PRIVATE_MODE = 0o600


class Command(BaseCommand):
    """Makes an Owner with a random password once, and keeps the login in `var/login.txt`."""

    help = "Make the Owner of local mode and write var/login.txt. Refuses outside local mode."

    def handle(self, *args: Any, **options: Any) -> None:
        """Nothing when the Owner exists. The password goes to the file only."""
        if not settings.LOCAL:
            raise CommandError("Only local mode (DJANGO_ENV=local) has such a login. Run: manage.py invite_owner EMAIL")
        path = Path(settings.BASE_DIR) / "var" / "login.txt"
        if selectors.user_by_email(EMAIL) is not None:
            self.stdout.write(f"The local Owner exists; the login is in {path}.")
            return
        password = secrets.token_urlsafe(PASSWORD_BYTES)
        users.create_owner(email=EMAIL, password=password, by=Actor.operator())
        _write_private(path, f"email={EMAIL}\npassword={password}\n")
        self.stdout.write(f"Made the local Owner; the login is in {path}.")


def _write_private(path: Path, text: str) -> None:
    """Never readable by others, not even for a moment, whatever stood there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_MODE)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
