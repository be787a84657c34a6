"""Jobs that do nothing, drained by one runner, against claiming and finishing the same rows by SQL alone."""

import sys
import time
from uuid import uuid4

import psycopg

from benchmarks import results, servers
from benchmarks.results import Row
from devkit.children import Child
from devkit.processes import LauncherError, wait_until

JOBS_A_SECOND = 400
"""How many jobs a round plants for each second that it should last."""
PATIENCE = 20
ROWS = (Row("jobs drained, one worker", "runner", "SQL alone", 0.4),)

PLANT = """
    INSERT INTO job (id, kind, args, args_version, dedupe_key, state, attempts, max_attempts, run_at, worker,
                     last_error, created_at, request_id, actor_kind, actor_id)
    SELECT gen_random_uuid(), 'bench.nothing', '{}', 1, '', 'new', 0, 5, clock_timestamp(), '', '',
           clock_timestamp(), '', 'system', 'bench'
    FROM generate_series(1, %s)
"""
CLAIM = """
    WITH due AS (
        SELECT id FROM job WHERE due_at <= clock_timestamp() ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE job SET state = 'run', attempts = attempts + 1, worker = %s,
        lease_until = clock_timestamp() + interval '150 s'
    FROM due WHERE job.id = due.id RETURNING job.id
"""
FINISH = """
    UPDATE job SET state = 'done', finished_at = clock_timestamp(), lease_until = NULL, worker = ''
    WHERE id = %s AND worker = %s AND state = 'run'
"""
RATE = """
    SELECT count(*) FILTER (WHERE state = 'done'), extract(epoch FROM max(finished_at) - min(finished_at)) FROM job
"""
UNFINISHED = "SELECT count(*) FROM job WHERE finished_at IS NULL"


def run(*, rounds: int, seconds: float) -> None:
    """Measure, print the table and save it as `var/bench/jobs.json`."""
    count = max(2, int(seconds * JOBS_A_SECOND))
    samples: dict[str, list[float]] = {"runner": [], "SQL alone": []}
    subjects = {"SQL alone": by_sql, "runner": by_runner}
    with servers.database() as url, psycopg.connect(url, autocommit=True) as connection:
        for number in range(rounds):
            for name in list(subjects) if number % 2 == 0 else list(reversed(subjects)):
                plant(connection, count)
                subjects[name](connection, url, count)
                samples[name].append(drained(connection, count))
                print(f"round {number + 1}/{rounds}  {name:<16} {samples[name][-1]:>10,.0f}/s", flush=True)
    summaries = [results.summarise(row, samples) for row in ROWS]
    path = servers.VAR / "jobs.json"
    results.save(path, options={"rounds": rounds, "jobs": count}, samples=samples, summaries=summaries)
    print(f"\n{results.table(summaries)}\n\n0 lost. Every sample: {path.relative_to(servers.CHECKOUT)}")


def plant(connection: psycopg.Connection, count: int) -> None:
    """Leave exactly so many new jobs in the table."""
    connection.execute("TRUNCATE job")
    connection.execute(PLANT, [count])
    connection.execute("VACUUM ANALYZE job")


def by_sql(connection: psycopg.Connection, _url: str, _count: int) -> None:
    """Claim and finish row by row: the least that any worker has to do."""
    worker = str(uuid4())
    while row := connection.execute(CLAIM, [worker]).fetchone():
        connection.execute(FINISH, [row[0], worker])


def by_runner(connection: psycopg.Connection, url: str, count: int) -> None:
    """Have one runner up until all is done. Raises LauncherError when that does not happen."""
    child = Child("runner", [sys.executable, "-m", "benchmarks.drain"], var=servers.VAR, env=environment(url))
    child.start()
    try:
        ends = servers.START_SECONDS + PATIENCE * count / JOBS_A_SECOND
        if not wait_until(lambda: _pause() and _is_over(connection, child), seconds=ends):
            raise LauncherError(f"The runner of the benchmarks left jobs undone: see {child.log}.")
    finally:
        child.stop()


def environment(url: str) -> dict[str, str]:
    """Return the environment of a production process."""
    return servers.settings(url) | {"PYTHONPATH": str(servers.CHECKOUT)}


def drained(connection: psycopg.Connection, count: int) -> float:
    """Return the jobs done a second, from the first to the last. Raises LauncherError when one is lost."""
    row = connection.execute(RATE).fetchone()
    if row is None or row[0] != count:
        raise LauncherError(f"Of {count} jobs {row[0] if row else 0} were done.")
    return (count - 1) / float(row[1])


def _pause() -> bool:
    time.sleep(0.2)  # looking costs the database something, too
    return True


def _is_over(connection: psycopg.Connection, child: Child) -> bool:
    if child.code() is not None:
        raise child.ended_badly()
    row = connection.execute(UNFINISHED).fetchone()
    return row is not None and row[0] == 0
