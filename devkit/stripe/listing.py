"""Lists: newest first, cursors by id, bounds on ``created``. See https://docs.stripe.com/api/pagination."""

from collections.abc import Callable, Iterator
from itertools import islice

from devkit.stripe.calls import Call
from devkit.stripe.errors import ApiError, missing
from devkit.stripe.store import Json, render

LIMIT_DEFAULT = 10


def page(call: Call, kind: str, url: str, *, keep: Callable[[Json], bool] = lambda _: True) -> Json:
    """One page of the objects of ``kind`` for which ``keep`` is true, as the call's parameters ask."""
    limit = call.params.get("limit", LIMIT_DEFAULT)
    backwards = "ending_before" in call.params
    found = list(islice((item for item in _candidates(call, kind) if keep(item)), limit + 1))
    shown = found[:limit]
    if backwards:
        shown.reverse()
    return {"object": "list", "data": [render(item) for item in shown], "has_more": len(found) > limit, "url": url}


def _candidates(call: Call, kind: str) -> Iterator[Json]:
    bounds = call.params.get("created", {})
    backwards = "ending_before" in call.params
    for item in _in_order(call, kind):
        created = item["created"]
        if created < bounds.get("gte", created) or created <= bounds.get("gt", created - 1):
            if backwards:
                continue
            return
        if created <= bounds.get("lte", created) and created < bounds.get("lt", created + 1):
            yield item


def _in_order(call: Call, kind: str) -> Iterator[Json]:
    if {"starting_after", "ending_before"} <= set(call.params):
        raise ApiError("You may only specify one of these parameters: starting_after, ending_before.")
    if "ending_before" in call.params:
        return call.store.oldest(kind, after=_cursor(call, kind, "ending_before"))
    if "starting_after" in call.params:
        return call.store.newest(kind, before=_cursor(call, kind, "starting_after"))
    return call.store.newest(kind)


def _cursor(call: Call, kind: str, name: str) -> Json:
    cursor = call.store.get(kind, call.params[name])
    if cursor is None:
        raise missing(kind.removesuffix("s"), call.params[name], param=name, status=400)
    return cursor
