"""The audit log under eight writers: transactions of an ordinary action with their event, against the same without."""

import importlib
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

import psycopg

from benchmarks import results, servers
from benchmarks.results import Row
from devkit.processes import LauncherError

WRITERS = 8
WORK_MS = 20
READY = "ready"
TABLE = "CREATE TABLE bench_work (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, writer int, state text, n int)"


@dataclass(frozen=True)
class Subject:
    """What the writers do: with an event or without, and how long other work keeps the transaction open."""

    audited: bool
    work_ms: int


SUBJECTS: Mapping[str, Subject] = {
    "plain, 20 ms": Subject(audited=False, work_ms=WORK_MS),
    "audited, 20 ms": Subject(audited=True, work_ms=WORK_MS),
    "plain, no work": Subject(audited=False, work_ms=0),
    "audited, no work": Subject(audited=True, work_ms=0),
}
GUARDS = ("audit.migrations.0002_append_only", "audit.migrations.0004_guards")
"""Templates are migrated as test databases are, without the triggers on TRUNCATE; real ones have them."""

ROWS = (
    Row("audit, 8 writers, 20 ms of work", "audited, 20 ms", "plain, 20 ms", 0.85),
    Row("audit, 8 writers, nothing else", "audited, no work", "plain, no work", 0.85),
)


class Writer:
    """A process of `benchmarks.audit_writer`, told what to do line by line."""

    def __init__(self, number: int, env: Mapping[str, str]) -> None:
        self.child = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.audit_writer", str(number)],
            cwd=servers.CHECKOUT,
            env=os.environ | {**env, "PYTHONPATH": str(servers.CHECKOUT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def tell(self, line: str) -> None:
        """Hand over one line."""
        assert self.child.stdin is not None
        self.child.stdin.write(f"{line}\n")
        self.child.stdin.flush()

    def hear(self) -> str:
        """Wait for one line. Raises LauncherError when the process ended instead."""
        assert self.child.stdout is not None
        line = self.child.stdout.readline().strip()
        if not line:
            raise LauncherError("A writer of the benchmark ended by itself.")
        return line

    def stop(self) -> None:
        """Close its input, which ends it."""
        assert self.child.stdin is not None
        assert self.child.stdout is not None
        self.child.stdin.close()
        self.child.wait(timeout=30)
        self.child.stdout.close()


def run(*, rounds: int, seconds: float) -> None:
    """Measure, print the table and save it as `var/bench/audit.json`; then verify what was written."""
    with ExitStack() as stack:
        url = stack.enter_context(servers.database())
        env = servers.settings(url)
        writers = stack.enter_context(_writers(env))
        connection = stack.enter_context(psycopg.connect(url, autocommit=True))
        for guards in GUARDS:
            connection.execute(importlib.import_module(guards).REFUSE_TRUNCATE)
        connection.execute(TABLE)
        samples = measured(writers, connection, rounds=rounds, seconds=seconds)
        _check(connection, env)
    summaries = [results.summarise(row, samples) for row in ROWS]
    path = servers.VAR / "audit.json"
    results.save(
        path, options={"rounds": rounds, "seconds": seconds, "writers": WRITERS}, samples=samples, summaries=summaries
    )
    print(f"\n{results.table(summaries)}\n\nEvery sample: {path.relative_to(servers.CHECKOUT)}")


def measured(
    writers: list[Writer], connection: psycopg.Connection, *, rounds: int, seconds: float
) -> dict[str, list[float]]:
    """Return committed transactions a second by subject, counted in the database; every other round runs backwards."""
    for subject in SUBJECTS.values():
        _round(writers, connection, subject, seconds=1)
    samples: dict[str, list[float]] = {name: [] for name in SUBJECTS}
    for number in range(rounds):
        names = list(SUBJECTS) if number % 2 == 0 else list(reversed(SUBJECTS))
        for name in names:
            rate = _round(writers, connection, SUBJECTS[name], seconds=seconds)
            samples[name].append(rate)
            print(f"round {number + 1}/{rounds}  {name:<16} {rate:>10,.0f}/s", flush=True)
    return samples


def _round(writers: list[Writer], connection: psycopg.Connection, subject: Subject, *, seconds: float) -> float:
    before, began = _done(connection), time.monotonic()
    for writer in writers:
        writer.tell(f"{int(subject.audited)} {subject.work_ms} {seconds}")
    for writer in writers:
        writer.hear()
    return (_done(connection) - before) / (time.monotonic() - began)


def _done(connection: psycopg.Connection) -> int:
    row = connection.execute("SELECT count(*) FROM bench_work WHERE state = 'done'").fetchone()
    return int(row[0]) if row else 0


def _check(connection: psycopg.Connection, env: Mapping[str, str]) -> None:
    """Each audited transaction left exactly one event, and the sealed log verifies."""
    audited = connection.execute("SELECT count(*) FROM bench_work WHERE n = 1").fetchone()
    events = connection.execute("SELECT count(*) FROM audit_event WHERE action = 'job.requeued'").fetchone()
    if audited != events:
        raise LauncherError(f"Audited transactions and events differ: {audited} and {events}.")
    for command in ("audit_seal", "audit_verify"):
        words = [sys.executable, "manage.py", command]
        everything = os.environ | dict(env)
        said = subprocess.run(
            words, cwd=servers.CHECKOUT, env=everything, stdout=subprocess.PIPE, text=True, check=False
        )
        print(said.stdout.strip())
        if said.returncode:
            raise LauncherError(f"`manage.py {command}` ended with {said.returncode}.")


@contextmanager
def _writers(env: Mapping[str, str]) -> Iterator[list[Writer]]:
    """Have all writers up and ready."""
    print("Starting the writers ...", flush=True)
    writers = [Writer(number, env) for number in range(WRITERS)]
    try:
        for writer in writers:
            if writer.hear() != READY:
                raise LauncherError("A writer of the benchmark is not ready.")
        yield writers
    finally:
        for writer in writers:
            writer.stop()
