"""One writer of `benchmarks.audit`: reads `audited work_ms seconds`, works so long, answers with a count.

A transaction is what an ordinary action does: insert, lock, re-read, change, and some other work, which a pause stands
for. The first writer also seals once a second while events are written, far more often than a real system.
"""

import logging
import sys
import time

import django
from django.db import connection, transaction

PAUSE_TARGET = "bench.work"


def main(number: int) -> None:
    """Work until the input ends."""
    django.setup()
    from audit.actions import record, sealing  # noqa: PLC0415 - after Django's set-up
    from common.actor import Actor  # noqa: PLC0415
    from common.target import Target  # noqa: PLC0415

    by = Actor.operator()
    logging.getLogger("audit").setLevel(logging.WARNING)  # each seal is a line

    def act(*, audited: bool, work_seconds: float) -> None:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO bench_work (writer, state, n) VALUES (%s, 'new', %s) RETURNING id", [number, int(audited)]
            )
            pk = cursor.fetchone()[0]
            cursor.execute("SELECT state FROM bench_work WHERE id = %s FOR NO KEY UPDATE", [pk])
            time.sleep(work_seconds)
            cursor.execute("UPDATE bench_work SET state = 'done' WHERE id = %s", [pk])
            if audited:
                target = Target(PAUSE_TARGET, str(pk), f"Work {pk}")
                before, after = {"state": "new"}, {"state": "done"}
                record(action="job.requeued", by=by, target=target, before=before, after=after)

    connection.ensure_connection()
    print("ready", flush=True)
    for line in sys.stdin:
        audited, work_ms, seconds = int(line.split()[0]), int(line.split()[1]), float(line.split()[2])
        count, now = 0, time.monotonic()
        ends, next_seal = now + seconds, now + 1
        while (now := time.monotonic()) < ends:
            act(audited=bool(audited), work_seconds=work_ms / 1000)
            count += 1
            if audited and number == 0 and now >= next_seal:
                sealing.seal(by=by)
                next_seal = now + 1
        print(count, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
