"""Job handlers of uploads."""

from uuid import UUID

from common.handlers import JobRun, hours, job, minutes
from jobs.errors import StaleLease
from uploads.actions import deletions, processing, sweeps
from uploads.constants import DELETE_JOB, PROCESS_JOB

PROCESS_ATTEMPTS = 5
PROCESS_SECONDS = 180  # a soft limit 20 seconds before it; the scanner and the decoder have limits of their own


@job(PROCESS_JOB, queue="media", max_attempts=PROCESS_ATTEMPTS, time_limit=PROCESS_SECONDS)
def process(run: JobRun, *, file_id: str) -> None:
    """Turn a confirmed upload into what may be served; the last failed attempt marks the file as failed."""
    try:
        processing.process(file_id=UUID(file_id), effects=run.effects, by=run.by)
    except StaleLease:  # another worker has the job; the outcome is its business
        raise
    except Exception:
        if run.attempt >= PROCESS_ATTEMPTS:
            processing.give_up(file_id=UUID(file_id), by=run.by)
        raise


@job(DELETE_JOB, queue="media")
def delete(run: JobRun, *, file_id: str, erase: bool = False) -> None:
    """Remove the objects of a deleted file, and its row too when its person asked to be forgotten."""
    deletions.remove_objects(file_id=UUID(file_id), effects=run.effects, by=run.by, erase=erase)


@job("uploads.expire", every=minutes(5))
def expire(run: JobRun) -> None:
    """Close signed uploads that nobody confirmed."""
    sweeps.expire(by=run.by)


@job("uploads.clear_quarantine", every=hours(1))
def clear_quarantine(run: JobRun) -> None:
    """Delete quarantined objects that nothing refers to."""
    sweeps.clear_quarantine(by=run.by)
