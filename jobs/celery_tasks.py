"""What a Celery worker does with a message: it claims the job that the message names, and runs it."""

from uuid import UUID

from celery import shared_task

from jobs.engine.claims import take_one
from jobs.engine.execution import execute


@shared_task(name="jobs.run")
def run_job(job_id: str) -> None:
    """Run the job, unless it is finished or somebody else has it: a message is a hint, the row is the truth."""
    job = take_one(UUID(job_id))
    if job is not None:
        execute(job)
