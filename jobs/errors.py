"""Refusals of the job table."""

from common.errors import Conflict


class StaleLease(Exception):
    """The job has been taken over: what this worker did is rolled back."""


class JobNotOpen(Conflict):
    """The job's state does not allow what was asked."""

    code = "job_not_open"
    title = "The job's state does not allow this"
    about = "Only dead and cancelled jobs run again, and only jobs that are waiting can be cancelled."
