"""Writes of the job table that other apps and people ask for."""

from jobs.actions.alerts import alert
from jobs.actions.dead_letters import cancel, requeue
from jobs.actions.queue import enqueue, enqueue_with

__all__ = ["alert", "cancel", "enqueue", "enqueue_with", "requeue"]
