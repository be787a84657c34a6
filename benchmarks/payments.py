"""Webhooks by HTTP against the least that a webhook can be, and create-intent against the SDK's own call."""

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg

from benchmarks import results, servers, wrk
from benchmarks.results import Row
from devkit.children import Child
from devkit.processes import LOOPBACK, LauncherError, free_port, wait_until
from devkit.stripe import shapes
from devkit.stripe.constants import API_VERSION
from devkit.stripe.webhooks import signature

TABLE = "CREATE TABLE IF NOT EXISTS plain_event (id text PRIMARY KEY, received_at timestamptz, payload jsonb)"
WEBHOOK = "/api/payments/webhooks/stripe"
EVENTS_A_SECOND = 2500
CALLS_A_SECOND = 10
AWAY_MS = 150
"""About what Stripe itself takes to make an intent; the twin answers at once unless told otherwise."""

ROWS = (
    Row("webhook accepted", "our webhook", "HMAC and one insert", 0.6),
    Row("create-intent, the twin answers at once", "create-intent", "SDK alone", 1 / 1.5),
    Row(f"create-intent, the twin takes {AWAY_MS} ms", "create-intent, far", "SDK alone, far", 1 / 1.5),
)
Samples = dict[str, list[float]]


def run(*, rounds: int, seconds: float) -> None:
    """Measure every row, print the table and save it as `var/bench/payments.json`."""
    program = wrk.ensure()
    samples: Samples = {name: [] for row in ROWS for name in (row.ours, row.baseline)}
    with ExitStack() as stack:
        url = stack.enter_context(servers.database())
        env = servers.settings(url) | stack.enter_context(twin())
        webhooks(stack, program, url, env, samples, rounds=rounds, seconds=seconds)
        for number in range(rounds):
            for name, rate in calls(env, max(2, int(CALLS_A_SECOND * seconds)), backwards=number % 2 == 1).items():
                keep(samples, name, rate, number, rounds)
    summaries = [results.summarise(row, samples) for row in ROWS]
    path = servers.VAR / "payments.json"
    options = {"rounds": rounds, "seconds": seconds, "connections": wrk.CONNECTIONS, "workers": servers.WORKERS}
    results.save(path, options=options, samples=samples, summaries=summaries)
    print(f"\n{results.table(summaries)}\n\nEvery sample: {path.relative_to(servers.CHECKOUT)}")


def keep(samples: Samples, name: str, rate: float, number: int, rounds: int) -> None:
    """Write a sample down and say it."""
    samples[name].append(rate)
    print(f"round {number + 1}/{rounds}  {name:<20} {rate:>10,.1f}/s", flush=True)


@contextmanager
def twin() -> Iterator[dict[str, str]]:
    """Have the twin up as a process of its own; the environment that points to it."""
    port = free_port()
    base = f"http://{LOOPBACK}:{port}"
    child = Child(
        "twin", [sys.executable, "-m", "devkit.stripe", "--port", str(port)], var=servers.VAR, checkout=servers.CHECKOUT
    )
    child.start()
    try:
        if not wait_until(lambda: servers._answers(base + "/"), seconds=servers.START_SECONDS):
            raise LauncherError(f"The twin of the benchmarks does not answer: see {child.log}.")
        yield {
            "STRIPE_SECRET": "sk_test_bench",
            "STRIPE_PUBLISHABLE_KEY": "pk_test_bench",
            "STRIPE_WEBHOOK_SECRET": f"whsec_{secrets.token_hex(16)}",
            "STRIPE_API_BASE": base,
            "STRIPE_JS_URL": f"{base}/stripe.js",
        }
    finally:
        child.stop()


def webhooks(
    stack: ExitStack, program: str, url: str, env: dict[str, str], samples: Samples, *, rounds: int, seconds: float
) -> None:
    """Send fresh signed events to both; each is stored, and none is applied meanwhile."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(TABLE)
    ours = stack.enter_context(servers.web("payments", env))
    plain_env = env | {"DJANGO_SETTINGS_MODULE": "benchmarks.plain_webhook_settings"}
    plain = stack.enter_context(
        servers.web("plain-webhook", plain_env, application="benchmarks.plain_wsgi:application")
    )
    subjects = {"our webhook": ours, "HMAC and one insert": plain}
    for number in range(-1, rounds):  # the first is to warm up
        names = list(subjects) if number % 2 == 0 else list(reversed(subjects))
        for name in names:
            file = deliveries(env["STRIPE_WEBHOOK_SECRET"], int(seconds * EVENTS_A_SECOND))
            rate = wrk.rate(program, subjects[name] + WEBHOOK, seconds=seconds, script=file)
            if number >= 0:
                keep(samples, name, rate, number, rounds)


def deliveries(secret: str, count: int) -> list[str]:
    """The words that have wrk send so many events that were never sent before."""
    moment, path = int(time.time()), servers.VAR / "deliveries.txt"
    with path.open("w") as file:
        for _ in range(count):
            body = json.dumps(_event(moment))
            file.write(f"{signature(body.encode(), [secret], moment)}\t{body}\n")
    return [str(Path(__file__).with_name("deliveries.lua")), "--", str(path)]


def _event(moment: int) -> dict[str, object]:
    intent = shapes.payment_intent(amount=5000, currency="usd", created=moment, fields={})
    return shapes.event(
        kind="payment_intent.succeeded", snapshot=intent, created=moment, api_version=API_VERSION,
        request={"id": None, "idempotency_key": None}, previous=None,
    )  # fmt: skip


def calls(env: dict[str, str], count: int, *, backwards: bool) -> dict[str, float]:
    """Rates of the calls inside one process. Raises LauncherError when it fails."""
    code = f"from benchmarks import creating; creating.measure({count}, away_ms={AWAY_MS}, backwards={backwards})"
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", code],
        cwd=servers.CHECKOUT, env=os.environ | env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise LauncherError(f"create-intent could not be measured: {done.stderr.strip().splitlines()[-1]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
