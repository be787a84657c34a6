"""Jobs: each process that touches them is killed three times while 1,000 of them run."""

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable

from devkit.processes import LauncherError
from tests.faults.stage import CHECKOUT, Stage
from tests.faults.table import Outcome, fault

JOBS = 1000
KILLS_AT = (0.2, 0.45, 0.7)
REQUESTS = 300
BESIDE_POISON = 200
FREEZE_SECONDS = (3, 3, 26)
POISON_ATTEMPTS = 3
WORK_SECONDS = 200
DONE = "SELECT count(*) FROM faults_effect"
WAITING = "SELECT count(*) FROM job WHERE kind = 'faults.work' AND state <> 'done'"


def lost(stage: Stage) -> int:
    """Count jobs that are not done, or done without their effect, or without the audit row of their effect."""
    effects = "SELECT job::text FROM faults_effect"
    audits = "SELECT target_id FROM audit_event WHERE action = 'faults.effect'"
    return stage.number(
        f"SELECT count(*) FROM job WHERE kind = 'faults.work' AND "
        f"(state <> 'done' OR id::text NOT IN ({effects}) OR id::text NOT IN ({audits}))"
    )


def doubled(stage: Stage) -> int:
    """Count effects and audit rows beyond one a job, and effects of jobs that do not exist or outside without a job."""
    effects = stage.number("SELECT count(*) FROM faults_effect") - stage.number(
        "SELECT count(DISTINCT job) FROM faults_effect JOIN job ON job.id = faults_effect.job"
    )
    audits = stage.number("SELECT count(*) - count(DISTINCT target_id) FROM audit_event WHERE action = 'faults.effect'")
    outside = counts(stage)["keys"] - stage.number("SELECT count(*) FROM job WHERE kind = 'faults.work'")
    return effects + audits + max(0, outside)


def counts(stage: Stage) -> dict[str, int]:
    """Return how often the outside was called, and under how many keys."""
    with urllib.request.urlopen(f"{stage.sink_url}/counts", timeout=5) as answer:
        found: dict[str, int] = json.load(answer)
    return found


def outcome(stage: Stage, *, requests: int, recovered: list[float], settled: float) -> Outcome:
    """Count what is left when nothing moves any more."""
    called = counts(stage)
    return Outcome(
        tries=len(recovered),
        requests=requests,
        lost=lost(stage) + max(0, requests - stage.number("SELECT count(*) FROM job WHERE kind = 'faults.work'")),
        doubled=doubled(stage),
        repeated=called["calls"] - called["keys"],
        recovered=max(recovered),
        settled=settled,
    )


def strike(stage: Stage, hit: Callable[[], None], *, total: int = JOBS) -> tuple[list[float], float]:
    """Hit at the given shares of the work; return how long work stood still each time, and the time to the end."""
    recovered = []
    for share in KILLS_AT:
        stage.wait(lambda share=share: stage.number(DONE) >= share * total, seconds=WORK_SECONDS, what="half-way")
        began = time.monotonic()
        hit()
        before = stage.number(DONE)
        more = min(before + 1, total)  # whatever was left may have been done while the killed process came back
        stage.wait(lambda more=more: stage.number(DONE) >= more, seconds=WORK_SECONDS, what="work after the kill")
        recovered.append(time.monotonic() - began)
    settled = stage.wait(lambda: stage.number(WAITING) == 0, seconds=WORK_SECONDS, what="the end of all jobs")
    return recovered, settled


def drain(stage: Stage, hit: Callable[[], None]) -> Outcome:
    """Enqueue the jobs, hit while they run, wait for the end."""
    stage.shell(f"from tests.faults.studio import planting; planting.jobs({JOBS})")
    recovered, settled = strike(stage, hit)
    return outcome(stage, requests=JOBS, recovered=recovered, settled=settled)


@fault("kill -9 of the worker and its children")
def worker_group(stage: Stage) -> Outcome:
    stage.sink()
    stage.valkey()
    stage.relay()
    worker = stage.worker()

    def hit() -> None:
        worker.kill()
        worker.start()

    return drain(stage, hit)


@fault("kill -9 of one child of the worker")
def worker_child(stage: Stage) -> Outcome:
    stage.sink()
    stage.valkey()
    stage.relay()
    worker = stage.worker()
    return drain(stage, worker.kill_child)


@fault("kill -9 of the relay")
def relay(stage: Stage) -> Outcome:
    stage.sink()
    stage.valkey()
    relay_ = stage.relay()
    stage.worker()

    def hit() -> None:
        relay_.kill()
        relay_.start()

    return drain(stage, hit)


@fault("kill -9 of Valkey that keeps a file")
def valkey_with_file(stage: Stage) -> Outcome:
    return _valkey(stage, keeps=True)


@fault("kill -9 of Valkey that keeps nothing")
def valkey_without_file(stage: Stage) -> Outcome:
    return _valkey(stage, keeps=False)


def _valkey(stage: Stage, *, keeps: bool) -> Outcome:
    stage.sink()
    valkey = stage.valkey(keeps=keeps)
    stage.relay()
    stage.worker()

    def hit() -> None:
        valkey.kill()
        valkey.start()

    return drain(stage, hit)


@fault("kill -9 of the runner (no broker)")
def runner(stage: Stage) -> Outcome:
    stage.sink()
    runner_ = stage.runner()

    def hit() -> None:
        runner_.kill()
        runner_.start()

    return drain(stage, hit)


@fault("kill -9 of PostgreSQL under the runner")
def postgres_under_runner(stage: Stage) -> Outcome:
    stage.sink()
    stage.runner()
    return drain(stage, lambda: _bounce_database(stage))


@fault("kill -9 of PostgreSQL under relay and worker")
def postgres_under_worker(stage: Stage) -> Outcome:
    stage.sink()
    stage.valkey()
    stage.relay()
    stage.worker()
    return drain(stage, lambda: _bounce_database(stage))


def _bounce_database(stage: Stage) -> None:
    stage.database.kill()
    stage.database.start()


@fault("kill -9 of the web while visitors enqueue")
def web(stage: Stage) -> Outcome:
    stage.sink()
    stage.runner()
    web_ = stage.web()

    def hit() -> None:
        web_.kill()
        web_.start()

    return visit(stage, hit)


@fault("kill -9 of web and relay at once while visitors enqueue")
def web_and_relay(stage: Stage) -> Outcome:
    stage.sink()
    stage.valkey()
    relay_ = stage.relay()
    stage.worker()
    web_ = stage.web()

    def hit() -> None:
        web_.kill()
        relay_.kill()
        relay_.start()
        web_.start()

    return visit(stage, hit)


@fault("Valkey freezes while visitors enqueue")
def frozen_broker(stage: Stage) -> Outcome:
    """It accepts connections and never answers: visitors notice nothing, and silent workers end and are started again.

    The last freeze outlasts what a worker may be silent.
    """
    stage.sink()
    valkey = stage.valkey()
    stage.relay()
    worker = stage.worker()
    stage.web()
    freezes = iter(FREEZE_SECONDS)

    def hit() -> None:
        valkey.freeze()
        time.sleep(next(freezes))
        valkey.thaw()

    found = visit(stage, hit)
    if worker.starts < 2:
        raise LauncherError("The worker was silent for longer than it may be, and did not end.")
    return found


@fault("kill -9 of PostgreSQL while visitors enqueue")
def postgres_under_web(stage: Stage) -> Outcome:
    stage.sink()
    stage.runner()
    stage.web()
    return visit(stage, lambda: _bounce_database(stage))


def visit(stage: Stage, hit: Callable[[], None]) -> Outcome:
    """Have visitors ask until they are answered, hit meanwhile, and count one job and one effect a visitor."""
    command = [sys.executable, "-m", "tests.faults.load", f"{stage.web_url}/faults/ask", str(REQUESTS)]
    visitors = subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    try:
        recovered, _ = strike(stage, hit, total=REQUESTS)
        shown, _ = visitors.communicate(timeout=WORK_SECONDS)
    finally:
        visitors.kill()
        visitors.wait()
    settled = stage.wait(
        lambda: stage.number(WAITING) == 0, seconds=WORK_SECONDS, what="the end of all jobs that visitors made"
    )
    found = json.loads(shown)
    print(f"  {found['answered']} answered, {found['lost_answers']} answers lost, slowest {found['slowest']} s")
    return outcome(stage, requests=REQUESTS, recovered=recovered, settled=settled)


@fault("a job that kills its runner, among others")
def poison_runner(stage: Stage) -> Outcome:
    stage.sink()
    stage.runner()
    return _poison(stage)


@fault("a job that kills its worker's child, among others")
def poison_worker(stage: Stage) -> Outcome:
    stage.sink()
    stage.valkey()
    stage.relay()
    stage.worker()
    return _poison(stage)


def _poison(stage: Stage) -> Outcome:
    """The poison ends dead after its attempts with one alert, and the others are done."""
    began = time.monotonic()
    stage.shell(
        "from tests.faults.studio import planting, tasks; "
        f"planting.jobs(1, kind=tasks.POISON); planting.jobs({BESIDE_POISON})"
    )
    dead = "SELECT count(*) FROM job WHERE kind = 'faults.poison' AND state = 'dead' AND attempts = %s"

    def over() -> bool:
        return stage.number(dead, POISON_ATTEMPTS) == 1 and stage.number(WAITING) == 0

    settled = stage.wait(over, seconds=WORK_SECONDS, what="the death of the poison and the end of the others")
    found = outcome(stage, requests=BESIDE_POISON, recovered=[settled], settled=time.monotonic() - began)
    poison = "SELECT id::text FROM job WHERE kind = 'faults.poison'"
    alerts = stage.number(f"SELECT count(*) FROM job WHERE kind = 'mail.alert' AND args->>'record' IN ({poison})")
    return Outcome(
        tries=POISON_ATTEMPTS,
        requests=found.requests + 1,
        lost=found.lost + (alerts < 1),
        doubled=found.doubled + max(0, alerts - 1),
        repeated=found.repeated,
        recovered=found.recovered,
        settled=found.settled,
    )
