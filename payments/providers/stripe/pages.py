"""Stripe's lists, read page by page, and patience with what fails only for now."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from payments.providers.errors import InvalidRequest, NotFound, Unavailable
from payments.providers.stripe.constants import BACKOFF_MOST_SECONDS, BACKOFF_SECONDS, PAGE_SIZE, PAGE_TRIES
from payments.providers.stripe.translation import reading

CURSOR = "starting_after"
T = TypeVar("T")


def window(since: datetime, until: datetime) -> dict[str, int]:
    """The filter on `created`."""
    return {"gte": int(since.timestamp()), "lte": int(until.timestamp())}


def listed(service: Any, **wanted: Any) -> Iterator[Mapping[str, Any]]:
    """All objects that a list of the SDK's has for these parameters, one page in memory at a time.

    A page that fails is asked again from the last object that was seen; should that one have vanished meanwhile, the
    one before it marks the place.
    """
    cursors: list[str] = []
    while True:
        found = patiently(partial(_page, service, wanted, cursors))
        items = [item.to_dict() for item in found.data]
        yield from items
        if not found.has_more or not items:
            return
        cursors = [item["id"] for item in items]


def _page(service: Any, wanted: Mapping[str, Any], cursors: list[str]) -> Any:
    """The page after the last of the objects that is still there."""
    while True:
        cursor = {CURSOR: cursors[-1]} if cursors else {}
        try:
            with reading():
                return service.list({"limit": PAGE_SIZE, **cursor, **wanted})
        except (InvalidRequest, NotFound) as error:
            if error.param != CURSOR or not cursors[1:]:
                raise
            cursors.pop()


def patiently(ask: Callable[[], T]) -> T:
    """Ask again, each time later, what fails only for now: the SDK does not repeat what came back as 429."""
    for attempt in range(PAGE_TRIES - 1):
        try:
            return ask()
        except Unavailable as error:
            pause = max(error.retry_after if error.answer.http_status else 0, BACKOFF_SECONDS * 2**attempt)
            time.sleep(min(pause, BACKOFF_MOST_SECONDS) * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
    return ask()
