"""The limits' names, their defaults, and how a rate is written: `30/m`, `10/10m`, `100/d`; empty means no limit."""

import re
from typing import NamedTuple

from config.env import UNITS_IN_SECONDS, refuse

DEFAULTS = {
    # Public reading and writing
    "READ": "",
    "PUBLIC_WRITE": "10/m",
    "PAYMENT": "30/m",
    "WEBHOOK_INVALID": "60/m",
    "CSP_REPORT": "60/m",
    # Files, an owner
    "UPLOAD_SIGN": "30/m",
    "UPLOAD_CONFIRM": "60/m",
    # Sign-in
    "CREATE_INVITE_INVITER": "20/h",
    "RESEND_INVITE_INVITE": "1/m",
    "RESEND_INVITE_INVITE_LONG": "5/d",
    "REVOKE_INVITE_USER": "60/m",
    "INSPECT_INVITE_IP": "20/m",
    "ACCEPT_INVITE_IP": "10/10m",
    "LOGIN_IP": "30/m",
    "LOGIN_IP_LONG": "300/h",
    "LOGIN_IP_ACCOUNT": "5/m",
    "LOGIN_IP_ACCOUNT_LONG": "10/15m",
    "LOGIN_ACCOUNT": "50/h",
    "REFRESH_SESSION": "30/m",
    "REFRESH_IP": "120/m",
    "LOGOUT_IP": "60/m",
    "LOGOUT_ALL_USER": "10/h",
    "REVOKE_SESSION_USER": "30/m",
    "REAUTHENTICATE_USER": "5/5m",
    "CHANGE_PASSWORD_USER": "5/10m",
    "REQUEST_PASSWORD_RESET_IP": "10/h",
    "REQUEST_PASSWORD_RESET_ACCOUNT": "3/h",
    "CONFIRM_PASSWORD_RESET_IP": "10/10m",
    "VERIFY_SECOND_FACTOR_IP": "30/m",
    "VERIFY_SECOND_FACTOR_USER": "10/15m",
    "ENROLL_SECOND_FACTOR_USER": "5/h",
    "DISABLE_SECOND_FACTOR_USER": "5/h",
    "REGENERATE_BACKUP_CODES_USER": "5/h",
    "LIST_USERS_USER": "60/m",
    "RESET_SECOND_FACTOR_USER": "10/h",
    "REVOKE_USER_SESSIONS_USER": "30/h",
}


class Rate(NamedTuple):
    """At most `limit` in each window of `seconds`."""

    limit: int
    seconds: int


def parse(name: str, raw: str) -> Rate | None:
    """The rate, or None for an empty value; a malformed one ends the start with a sentence."""
    if not raw:
        return None
    match = re.fullmatch(r"([1-9]\d{0,6})/(\d{0,3})([smhd])", raw)
    if not match:
        refuse(f"RATE_{name} is {raw!r}: write a rate such as 30/m, 10/10m or 100/d, or nothing for no limit.")
    return Rate(int(match[1]), int(match[2] or 1) * UNITS_IN_SECONDS[match[3]])
