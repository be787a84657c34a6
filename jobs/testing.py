"""For the tests of every app: works the queue off here and now."""

from jobs.engine.claims import take_due
from jobs.engine.execution import execute
from jobs.models import Job

BATCH = 50
ROUNDS = 200


def run_due() -> int:
    """Run every due job, and those that they enqueue, as the runner would; return how many runs there were.

    It works in this process and on this connection, also inside the transaction of a test: a handler's effects are
    then a savepoint. A failing handler is retried or buried like any other, so assert on `Job.state`.
    """
    count = 0
    for _ in range(ROUNDS):
        jobs = take_due(excluding=True, limit=BATCH)
        if not jobs:
            return count
        for job in jobs:
            execute(job, beats=False)
        count += len(jobs)
    raise RuntimeError(f"Jobs keep coming: {Job.objects.filter(finished_at=None).values_list('kind', flat=True)[:5]}")
