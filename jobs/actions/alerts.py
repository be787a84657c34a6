"""Telling people that something needs them."""

from common.actor import Actor
from jobs.actions.queue import enqueue
from jobs.constants import ALERT_KIND


def alert(*, code: str, record: str, summary: str, path: str, by: Actor) -> None:
    """Queue one mail a (code, record), in the caller's transaction if there is one.

    `code` names its section in `docs/operations.md`, `record` what it is about; `path` is the page of that.
    """
    enqueue(
        kind=ALERT_KIND,
        args={"code": code, "record": record, "summary": summary, "path": path},
        by=by,
        dedupe_key=f"{code}:{record}",
    )
