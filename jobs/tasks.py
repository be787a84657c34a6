"""Jobs of this app."""

from datetime import timedelta

from django.db.models import Q

from common.clock import db_now
from common.handlers import JobRun, hours, job
from jobs.constants import KEEP_DEAD_DAYS, KEEP_DONE_DAYS
from jobs.models import Job, State


@job("jobs.purge", every=hours(1))
def purge(run: JobRun) -> None:
    """Delete jobs that ended well or were cancelled a week ago, and those that died 90 days ago."""
    now = db_now()
    ended = Q(state__in=(State.DONE, State.CANCELLED), finished_at__lte=now - timedelta(days=KEEP_DONE_DAYS))
    died = Q(state=State.DEAD, finished_at__lte=now - timedelta(days=KEEP_DEAD_DAYS))
    with run.effects():
        Job.objects.filter(ended | died).delete()
