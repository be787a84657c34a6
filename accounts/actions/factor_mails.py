"""What a user hears about the second factor. Each mail is queued in the transaction of its cause."""

from datetime import datetime

import mail.actions
from accounts.constants import BACKUP_CODES_LOW
from accounts.models import User
from common.actor import Actor

ENABLED = "accounts/second_factor_enabled"
DISABLED = "accounts/second_factor_disabled"
RESET = "accounts/second_factor_reset"
BACKUP_CODE_USED = "accounts/backup_code_used"
BACKUP_CODES_LOW_MAIL = "accounts/backup_codes_low"
TEMPLATES = (ENABLED, DISABLED, RESET, BACKUP_CODE_USED, BACKUP_CODES_LOW_MAIL)


def changed(*, user: User, template: str, now: datetime, by: Actor) -> None:
    """Tell the user that the factor was enabled, switched off or reset."""
    _send(user, template, {}, now, by)


def backup_code_used(*, user: User, remaining: int, now: datetime, by: Actor) -> None:
    """Tell the user that a backup code was used, and in a mail of its own that few are left."""
    _send(user, BACKUP_CODE_USED, {"remaining": remaining}, now, by)
    if remaining <= BACKUP_CODES_LOW:
        _send(user, BACKUP_CODES_LOW_MAIL, {"remaining": remaining}, now, by)


def _send(user: User, template: str, values: dict[str, int], now: datetime, by: Actor) -> None:
    mail.actions.send(
        template=template,
        to=user.email,
        context={"name": user.get_short_name(), "at": f"{now:%d %B %Y, %H:%M} UTC", **values},
        key=f"{template}:{user.pk}:{now.isoformat()}",
        by=by,
    )
