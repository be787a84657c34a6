"""Job handlers of uploads."""

import logging
from uuid import UUID

from common.handlers import JobRun, hours, job, minutes
from jobs.actions import enqueue
from jobs.errors import StaleLease
from uploads.actions import deletions, processing, storekeeping
from uploads.constants import DELETE_JOB, PROCESS_JOB
from uploads.errors import StorageUnavailable

SWEEP_JOB = "uploads.sweep"
PROCESS_ATTEMPTS = 5
PROCESS_SECONDS = 180  # a soft limit 20 seconds before it; the scanner and the decoder have limits of their own

logger = logging.getLogger(__name__)


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
    """Close what nobody finishes: the first pass of each sweep of rows, since what it closes the next one skips.

    A sweep that the store does not answer does not hold up the others: its fault is raised in the end.
    """
    faults: list[StorageUnavailable] = []
    for name, sweep in storekeeping.ROW_SWEEPS.items():
        try:
            sweep(by=run.by)
        except StorageUnavailable as fault:
            logger.exception("row_sweep_failed", extra={"sweep": name})
            faults.append(fault)
    if faults:
        raise faults[0]


@job("uploads.reconcile", every=hours(1))
def reconcile(run: JobRun) -> None:
    """Begin each comparison of the store with the rows, every one as a chain of jobs of one pass each."""
    with run.effects():
        for name in storekeeping.OBJECT_SWEEPS:
            _go_on(name, "", run)


@job(SWEEP_JOB)
def sweep(run: JobRun, *, name: str, after: str) -> None:
    """One pass; a worker that dies is followed by one that does the same page again."""
    one = storekeeping.OBJECT_SWEEPS[name](by=run.by, after=after)
    for finding in one.findings:
        logger.warning("storage_finding", extra=finding.as_dict())
    with run.effects():
        if one.after:
            _go_on(name, one.after, run)


def _go_on(name: str, after: str, run: JobRun) -> None:
    enqueue(kind=SWEEP_JOB, args={"name": name, "after": after}, by=run.by, dedupe_key=f"{name}:{after}"[:200])
