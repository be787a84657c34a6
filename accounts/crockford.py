"""Backup codes as text: `S-XXXX-XXXX-XXXX` in Crockford's base 32, where S tells the codes of a batch apart."""

import secrets

from accounts.constants import BACKUP_CODE_CHARS, BACKUP_CODE_INPUT_MAX_CHARS, BACKUP_CODES

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_GROUP = 4
# What people write for the digits that look alike (crockford.com/base32.html), and what separates the groups.
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", " ": None, "-": None})


def generate() -> list[str]:
    """A batch in its plain form: a selector of its own and 60 random bits each."""
    selectors = secrets.SystemRandom().sample(ALPHABET, BACKUP_CODES)
    return [selector + "".join(secrets.choice(ALPHABET) for _ in range(BACKUP_CODE_CHARS)) for selector in selectors]


def shown(plain: str) -> str:
    """The form for people."""
    groups = [plain[start : start + _GROUP] for start in range(1, len(plain), _GROUP)]
    return "-".join([plain[0], *groups])


def normalised(written: str) -> str | None:
    """The plain form of what someone typed, or None for what cannot be a code."""
    if len(written) > BACKUP_CODE_INPUT_MAX_CHARS or not written.isascii():
        return None
    plain = written.upper().translate(_READ_AS)
    if len(plain) != 1 + BACKUP_CODE_CHARS or not set(plain) <= set(ALPHABET):
        return None
    return plain
