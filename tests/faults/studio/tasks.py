"""Jobs with one effect in the database, one in the audit log and one outside; and one that kills its process."""

import os
import signal
import time
import urllib.request

from django.db import connection

from audit.actions import record
from common.handlers import JobRun, job
from common.target import Target
from tests.faults.studio.events import EFFECT

WORK, POISON = "faults.work", "faults.poison"
WORK_SECONDS = 0.01
POISON_ATTEMPTS = 3


@job(WORK, max_attempts=20)
def work(run: JobRun) -> None:
    """Take 10 ms, call the outside under the job's own key, then write the effect."""
    time.sleep(WORK_SECONDS)
    with run.outside("call") as key:
        call_outside(key)
    with run.effects():
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO faults_effect (job) VALUES (%s)", [run.id])
        record(action=EFFECT, by=run.by, target=Target("jobs.job", str(run.id)))


@job(POISON, max_attempts=POISON_ATTEMPTS)
def poison(run: JobRun) -> None:
    """Kill the process that runs this."""
    os.kill(os.getpid(), signal.SIGKILL)


def call_outside(key: str) -> None:
    """Have an effect outside; the sink does it once a key."""
    sink = os.environ["FAULTS_SINK"]
    request = urllib.request.Request(f"{sink}/calls?key={key}", data=b"", method="POST")
    with urllib.request.urlopen(request, timeout=5) as answer:
        answer.read()
