"""Jobs of this app."""

from datetime import timedelta

from common.clock import db_now
from common.handlers import JobRun, hours, job
from idempotency.constants import KEEP_SECONDS
from idempotency.models import StoredAnswer


@job("idempotency.purge", every=hours(1))
def purge(run: JobRun) -> None:
    """Delete the answers that nobody may ask for again."""
    with run.effects():
        StoredAnswer.objects.filter(created_at__lte=db_now() - timedelta(seconds=KEEP_SECONDS)).delete()
