"""`.env` of local mode: written once with generated secrets, then only kept in step with the ports."""

import re
import secrets
from pathlib import Path

from devkit.processes import write_private

LINE = re.compile(r"(?:export\s+)?([A-Z][A-Z0-9_]*)\s*=\s*(.*)")
FIRST_TEXT = """\
# Settings of this machine, written by the first `make run`; `.env.example` explains every name. Not for git.
DJANGO_ENV=local
PORT={port}

# Made here, used nowhere else.
SECRET_KEY={secret_key}
FIELD_KEY={field_key}
JWT_REFRESH_SECRET={refresh_secret}
JWT_SECRET={jwt_secret}

# The database under var/pg, which `make run` starts. Another address here, and `make run` starts none.
DATABASE_URL={database_url}

# The stand-in of Stripe, which `make run` starts on the next port. With a sandbox's keys of your own, remove the two
# addresses, and `make run` starts none.
STRIPE_SECRET=sk_test_{stripe}
STRIPE_PUBLISHABLE_KEY=pk_test_{stripe}
STRIPE_WEBHOOK_SECRET=whsec_{webhook}
STRIPE_API_BASE={api_base}
STRIPE_JS_URL={js_url}
"""


def twin_addresses(port: int) -> dict[str, str]:
    """Return the two settings that point at the Stripe twin beside the web server on `port`."""
    base = f"http://127.0.0.1:{port + 1}"
    return {"STRIPE_API_BASE": base, "STRIPE_JS_URL": f"{base}/stripe.js"}


class EnvFile:
    """The file's lines. Comments and the order stay as they are; `save` writes it for the owner's eyes only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = path.read_text().splitlines() if path.is_file() else []

    @property
    def exists(self) -> bool:
        """Tell whether there is anything in it, on the disk or made here."""
        return bool(self._lines)

    def fill(self, *, port: int, database_url: str) -> None:
        """Compose the first text, with secrets of its own."""
        twin = twin_addresses(port)
        text = FIRST_TEXT.format(
            port=port,
            database_url=database_url,
            secret_key=secrets.token_urlsafe(48),
            field_key=secrets.token_urlsafe(48),
            refresh_secret=secrets.token_urlsafe(48),
            jwt_secret=secrets.token_urlsafe(48),
            stripe=secrets.token_hex(12),
            webhook=secrets.token_hex(24),
            api_base=twin["STRIPE_API_BASE"],
            js_url=twin["STRIPE_JS_URL"],
        )
        self._lines = text.splitlines()

    def get(self, name: str) -> str:
        """Return a value without its quotes; empty when it is not there."""
        found = [match[2].strip().strip("'\"") for match in map(LINE.match, self._lines) if match and match[1] == name]
        return found[-1] if found else ""

    def set(self, name: str, value: str) -> None:
        """Replace a value where it stands, or add it at the end."""
        for number, line in enumerate(self._lines):
            match = LINE.match(line)
            if match and match[1] == name:
                self._lines[number] = f"{name}={value}"
                return
        self._lines.append(f"{name}={value}")

    def save(self) -> None:
        """Write the file if its text has changed."""
        text = "\n".join(self._lines) + "\n"
        if not self.path.is_file() or self.path.read_text() != text:
            write_private(self.path, text)
