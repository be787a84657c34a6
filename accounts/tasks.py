"""Background jobs of accounts."""

from accounts.actions import expiry, password_resets
from common.clock import db_now
from common.handlers import JobRun, hours, job


@job("accounts.expire", every=hours(1))
def expire(run: JobRun) -> None:
    """End what is over and delete what has been kept long enough."""
    with run.effects():
        expiry.run(now=db_now(), by=run.by)


@job(password_resets.JOB)
def request_reset(run: JobRun, *, email: str) -> None:
    """Mail a link to the holder of an address, if there is one."""
    with run.effects():
        password_resets.issue(email=email, by=run.by)
