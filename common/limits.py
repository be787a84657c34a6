"""Volume limits by name. They count in the `limits` cache; guess counters of sign-in are rows of their own."""

import logging
import threading
import time
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django_ratelimit.core import get_usage
from prometheus_client import Counter

from common.errors import LimiterUnavailable, RateLimited

logger = logging.getLogger(__name__)
AWAY = Counter("limit_store_unavailable", "Uses of a limit that its store could not count, by limit.", ["limit"])
EMERGENCY_PER_MINUTE = 5
MINUTE_SECONDS = 60
MOST_EMERGENCY_KEYS = 10_000
_emergency: dict[tuple[str, int], int] = {}
_last_warning: dict[str, float] = {}
_lock = threading.Lock()


def hit(name: str, *, key: str, closed: bool = False) -> None:
    """Count one use of limit `name` by `key`; raises RateLimited above the rate.

    With the store down the request goes on; with `closed`, LimiterUnavailable after five a minute and process.
    """
    _judge(name, key=key, increment=True, closed=closed)


def blocked(name: str, *, key: str, closed: bool = False) -> None:
    """Raise RateLimited when the failures counted by `fail` have reached the rate; counts nothing."""
    _judge(name, key=key, increment=False, closed=closed)


def fail(name: str, *, key: str) -> None:
    """Count one failure of limit `name` by `key`; never raises."""
    try:
        _usage(name, key=key, increment=True)
    except Exception:  # noqa: BLE001 - whatever a cache backend raises must not end the request
        _warn(name)


def _judge(name: str, *, key: str, increment: bool, closed: bool) -> None:
    rate = settings.RATES[name]
    if rate is None:
        return
    try:
        usage = _usage(name, key=key, increment=increment)
    except Exception:  # noqa: BLE001 - django-ratelimit lets every backend's own exceptions out
        _warn(name)
        if closed:
            _emergency_bucket(name, key)
        return
    if usage is None:
        return
    over = usage["count"] > usage["limit"] if increment else usage["count"] >= usage["limit"]
    if over:
        wait = max(1, usage["time_left"])
        raise RateLimited(
            retry_after=wait,
            headers={
                "RateLimit-Policy": f'"{name.lower()}";q={usage["limit"]};w={rate.seconds}',
                "RateLimit": f'"{name.lower()}";r=0;t={wait}',
            },
        )


def _usage(name: str, *, key: str, increment: bool) -> Any:
    rate = settings.RATES[name]
    if rate is None:
        return None
    count = rate.limit * settings.RATE_LIMIT_FACTOR
    return get_usage(
        HttpRequest(),
        group=f"studio.{name}",
        key=lambda _group, _request: key,
        rate=(count, rate.seconds),
        increment=increment,
    )


def _emergency_bucket(name: str, key: str) -> None:
    """Five a minute, key and process while the store is away; then closed."""
    slot = (f"{name}:{key}", int(time.monotonic() // MINUTE_SECONDS))
    with _lock:
        if len(_emergency) > MOST_EMERGENCY_KEYS:
            _emergency.clear()
        _emergency[slot] = _emergency.get(slot, 0) + 1
        used = _emergency[slot]
    if used > EMERGENCY_PER_MINUTE:
        raise LimiterUnavailable(retry_after=5)


def _warn(name: str) -> None:
    """Count each, and log once a minute and limit: an outage must not fill the log."""
    AWAY.labels(name).inc()
    now = time.monotonic()
    with _lock:
        if now - _last_warning.get(name, -MINUTE_SECONDS) < MINUTE_SECONDS:
            return
        _last_warning[name] = now
    logger.warning("limit_store_unavailable", extra={"limit": name})
