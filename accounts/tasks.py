"""Background jobs of accounts."""

from accounts.actions import expiry
from common.clock import db_now
from common.handlers import JobRun, hours, job


@job("accounts.expire", every=hours(1))
def expire(run: JobRun) -> None:
    """End what is over and delete what has been kept long enough."""
    with run.effects():
        expiry.run(now=db_now(), by=run.by)
