"""Counters of wrong guesses: raised before the secret is looked at and given back when it was right.

So a burst of parallel guesses cannot slip through between looking and counting.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F

from accounts.models import GuessCounter
from common.errors import RateLimited, Unavailable
from common.retries import once_more

_RAISE = f"""
    INSERT INTO {GuessCounter._meta.db_table} AS guess (rule, key, count, window_ends_at, updated_at)
    SELECT given.rule, given.key, 1, %(now)s + make_interval(secs => given.seconds), %(now)s
    FROM unnest(%(rules)s::text[], %(keys)s::bytea[], %(seconds)s::int[]) WITH ORDINALITY
        AS given (rule, key, seconds, place)
    ORDER BY given.place
    ON CONFLICT (rule, key) DO UPDATE SET
        count = CASE WHEN guess.window_ends_at <= %(now)s THEN 1 ELSE guess.count + 1 END,
        window_ends_at = CASE WHEN guess.window_ends_at <= %(now)s
            THEN excluded.window_ends_at ELSE guess.window_ends_at END,
        updated_at = excluded.updated_at
    RETURNING rule, key, count, window_ends_at
"""  # noqa: S608 - the table's name is ours


@dataclass(frozen=True)
class Rule:
    """At most `limit` failures of `key` in a window; without seconds the window ends with a success only."""

    name: str
    key: bytes
    limit: int
    window_seconds: int | None


@dataclass(frozen=True)
class Attempt:
    """What was counted for one guess, and which unending rules it exceeded."""

    rules: Sequence[Rule]
    exceeded: frozenset[str]


def rated(*, name: str, key: bytes) -> list[Rule]:
    """The rule of the setting RATE_<name>, or none when that limit is off."""
    rate = settings.RATES[name]
    if rate is None:
        return []
    return [Rule(name.lower(), key, rate.limit * settings.RATE_LIMIT_FACTOR, rate.seconds)]


@once_more
def begin(*, rules: Iterable[Rule], now: datetime) -> Attempt:
    """Count one guess under each rule. Raises RateLimited, counting nothing, when a window is full."""
    ordered = sorted(rules, key=lambda rule: (rule.name, rule.key))
    exceeded: set[str] = set()
    with transaction.atomic():
        for rule, (count, ends_at) in zip(ordered, _raise(ordered, now), strict=True):
            if count <= rule.limit:
                continue
            if ends_at is not None:
                raise RateLimited(retry_after=math.ceil((ends_at - now).total_seconds()))
            exceeded.add(rule.name)
    return Attempt(ordered, frozenset(exceeded))


@once_more
def succeed(*, attempt: Attempt) -> None:
    """Give the guess back: it was right. A count in a row starts again."""
    with transaction.atomic():
        for rule in attempt.rules:
            row = GuessCounter.objects.filter(rule=rule.name, key=rule.key)
            if rule.window_seconds is None:
                row.delete()
            else:
                row.filter(count__gt=0).update(count=F("count") - 1)


@once_more
def take_back(*, attempt: Attempt) -> None:
    """Uncount a guess that was never judged; nothing else changes."""
    with transaction.atomic():
        for rule in attempt.rules:
            GuessCounter.objects.filter(rule=rule.name, key=rule.key, count__gt=0).update(count=F("count") - 1)


@contextmanager
def judging(*, attempt: Attempt) -> Iterator[None]:
    """Look at the guessed secret inside; when something away keeps it from being judged, it does not count."""
    try:
        yield
    except Unavailable:
        take_back(attempt=attempt)
        raise


def clear(*, rules: Iterable[str], keys: Iterable[bytes]) -> None:
    """Forget the counts of these rules for these keys."""
    GuessCounter.objects.filter(rule__in=list(rules), key__in=list(keys)).delete()


def _raise(rules: Sequence[Rule], now: datetime) -> list[tuple[int, datetime | None]]:
    """The new counts and the ends of their windows, rule by rule. One statement, which locks in the rules' order."""
    values: dict[str, Any] = {
        "rules": [rule.name for rule in rules],
        "keys": [rule.key for rule in rules],
        "seconds": [rule.window_seconds for rule in rules],
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_RAISE, values)
        found = {(name, bytes(key)): (count, ends_at) for name, key, count, ends_at in cursor.fetchall()}
    return [found[rule.name, rule.key] for rule in rules]
