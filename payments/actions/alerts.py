"""Telling people that something needs them."""

from common.actor import Actor
from jobs.actions import enqueue

ALERT_JOB = "mail.alert"


def alert(*, code: str, record: str, summary: str, path: str, by: Actor) -> None:
    """Queue one mail a (code, record), in the caller's transaction if there is one."""
    enqueue(
        kind=ALERT_JOB,
        args={"code": code, "record": record, "summary": summary, "path": path},
        by=by,
        dedupe_key=f"{code}:{record}",
    )
