"""What the environment says for Anymail, and which mail provider its keys are for."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

PREFIX, FILE, TIMEOUT = "ANYMAIL_", "_FILE", "REQUESTS_TIMEOUT"
WORDS = {"True": True, "true": True, "False": False, "false": False}
# By Anymail's names; a key of more than one is for the first in this order.
PROVIDERS = (
    "sendgrid",
    "postmark",
    "mailgun",
    "amazon_ses",
    "brevo",
    "mailersend",
    "mailjet",
    "mailtrap",
    "mandrill",
    "postal",
    "resend",
    "scaleway",
    "sparkpost",
    "unisender_go",
)


def anymail() -> dict[str, Any]:
    """Every `ANYMAIL_<SETTING>` of the environment, or what `ANYMAIL_<SETTING>_FILE` points to, by Anymail's name."""
    found: dict[str, Any] = {}
    for name, value in os.environ.items():
        setting = name.removeprefix(PREFIX)
        if setting == name or not value:
            continue
        if setting.endswith(FILE):
            found[setting.removesuffix(FILE)] = Path(value).read_text(encoding="utf-8").strip()
        else:
            found.setdefault(setting, _typed(setting, value))
    return found


def _typed(setting: str, value: str) -> Any:
    """What Anymail wants no text for: a number of seconds, yes or no, a JSON object. All else may look like a key."""
    if setting == TIMEOUT:
        return float(value)
    if value in WORDS:
        return WORDS[value]
    return json.loads(value) if value.startswith("{") else value


def provider_of(settings: Iterable[str]) -> str:
    """Anymail's name of the provider that these settings are for; empty when they name none."""
    prefixes = {provider: f"{provider.upper()}_" for provider in PROVIDERS}
    names = list(settings)
    return next((one for one in PROVIDERS if any(name.startswith(prefixes[one]) for name in names)), "")
