"""Judging and hashing passwords."""

from collections.abc import Iterable

from accounts import password_rule
from accounts.models import User
from common.errors import FieldError, ValidationFailed


def check_input(*, password: str, pointer: str = "#/password") -> str:
    """The password in the form that is hashed; raises ValidationFailed (`invalid`) for NUL and lone surrogates."""
    if password_rule.malformed(password):
        raise _refused(pointer, "invalid", "The password holds a character that cannot be stored.", {})
    return password_rule.normalised(password)


def judge(*, password: str, personal: Iterable[str], pointer: str = "#/password") -> None:
    """Raise ValidationFailed with the reason when a normalised password is not good enough."""
    refusal = password_rule.judge(password, personal=personal)
    if refusal is not None:
        raise _refused(pointer, refusal.code, refusal.detail, refusal.members)


def matches(*, user: User | None, password: str) -> bool:
    """Whether the password is the user's. Costs one hash for any user, and for none."""
    if user is None:
        User().set_password(password)
        return False
    return user.check_password(password)


def _refused(pointer: str, code: str, detail: str, members: dict[str, object]) -> ValidationFailed:
    return ValidationFailed(errors=[FieldError(pointer=pointer, code=code, detail=detail, members=members)])
