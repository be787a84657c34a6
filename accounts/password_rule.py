"""What makes a password good enough. Pure: no database, and no more than a fraction of a second whatever the input."""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from zxcvbn import zxcvbn

from accounts.constants import PASSWORD_MAX_CHARS, PASSWORD_MIN_CHARS, PASSWORD_MIN_SCORE, PERSONAL_WORD_MIN_CHARS

POLICY = {"min_length": PASSWORD_MIN_CHARS, "max_length": PASSWORD_MAX_CHARS, "min_score": PASSWORD_MIN_SCORE}

# zxcvbn tries every reading of these symbols: its time doubles with each distinct one.
_LEET = frozenset("4@8({[<369!1|0$5+7%2")
_LEET_KINDS = 6
_ESTIMATED_CHARS = 64


@dataclass(frozen=True)
class Refusal:
    """Why a password is refused: a field code, one sentence, and what a front end may show beside it."""

    code: str
    detail: str
    members: dict[str, Any] = field(default_factory=dict)


def normalised(raw: str) -> str:
    """NFKC: the same keys give the same password on every keyboard (NIST SP 800-63B §5.1.1.2). Never trimmed."""
    return unicodedata.normalize("NFKC", raw)


def malformed(raw: str) -> bool:
    """Whether the text holds NUL or a lone surrogate, which no hash function takes."""
    return any(char == "\0" or "\ud800" <= char <= "\udfff" for char in raw)


def judge(password: str, *, personal: Iterable[str]) -> Refusal | None:
    """The reason to refuse a normalised password, or None. `personal`: the user's address and names."""
    if len(password) < PASSWORD_MIN_CHARS:
        return Refusal("password_too_short", f"Use at least {PASSWORD_MIN_CHARS} characters.")
    if len(password) > PASSWORD_MAX_CHARS:
        return Refusal("password_too_long", f"Use at most {PASSWORD_MAX_CHARS} characters.")
    words = _personal_words(personal)
    if any(word in password.casefold() for word in words):
        return Refusal("password_contains_personal", "Leave out your name, your address and the studio's name.")
    return _judge_strength(password, words)


def _judge_strength(password: str, words: set[str]) -> Refusal | None:
    estimate = zxcvbn(_bounded(password), user_inputs=sorted(words))
    if estimate["score"] >= PASSWORD_MIN_SCORE:
        return None
    feedback = {
        "warning": str(estimate["feedback"]["warning"] or ""),
        "suggestions": [str(suggestion) for suggestion in estimate["feedback"]["suggestions"]],
    }
    members = {"score": estimate["score"], "feedback": feedback}
    if _is_common(estimate["sequence"]):
        return Refusal("password_common", "This is one of the most used passwords.", members)
    return Refusal("password_too_weak", _explained(feedback), members)


def _explained(feedback: dict[str, Any]) -> str:
    sentences = [feedback["warning"], *feedback["suggestions"]]
    words = " ".join(f"{sentence.rstrip('.')}." for sentence in sentences if sentence)
    return words or "Too easy to guess. Add another word or two."


def _is_common(sequence: list[dict[str, Any]]) -> bool:
    return len(sequence) == 1 and sequence[0].get("dictionary_name") == "passwords"


def _personal_words(personal: Iterable[str]) -> set[str]:
    """What must not occur in the password: whole values, and their parts that are long enough to mean something."""
    words: set[str] = set()
    for value in [*personal, settings.STUDIO_NAME]:
        folded = normalised(value).casefold()
        local = folded.rpartition("@")[0] or folded
        words |= {folded, local, folded.replace(" ", ""), *re.split(r"[\s._+-]+", local)}
    return {word for word in words if len(word) >= PERSONAL_WORD_MIN_CHARS}


def _bounded(password: str) -> str:
    """What zxcvbn looks at: 64 characters, six kinds of look-alike symbols. Dropping more only lowers its estimate."""
    kept: set[str] = set()
    out: list[str] = []
    for char in password[:_ESTIMATED_CHARS]:
        if char in _LEET and char not in kept:
            if len(kept) == _LEET_KINDS:
                continue
            kept.add(char)
        out.append(char)
    return "".join(out)
