"""Audit events of this app."""

from common import events

REQUEUED = "job.requeued"
CANCELLED = "job.cancelled"

events.register("jobs", {REQUEUED: "A job was put back into the queue", CANCELLED: "A job was cancelled"})
