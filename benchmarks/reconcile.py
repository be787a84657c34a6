"""Reconciling very many payments against streaming the same pages by the SDK and doing nothing."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from benchmarks import results, servers
from benchmarks.results import Row
from devkit.children import Child
from devkit.processes import LOOPBACK, LauncherError, free_port, wait_until

INTENTS = 100_000
SPREAD_SECONDS = 20 * 3600
PLANT_SECONDS = 900
GROWTH_MIB = 30
ROWS = (Row(f"reconcile {INTENTS:,} payments", "reconcile_stripe", "the same pages by the SDK", 0.5),)


def run(*, rounds: int, seconds: float) -> None:
    """Measure, print the table and save it as `var/bench/reconcile.json`; a round lasts as long as it lasts."""
    samples: dict[str, list[float]] = {name: [] for row in ROWS for name in (row.ours, row.baseline)}
    growths: list[float] = []
    with servers.database() as url:
        port, state = free_port(), servers.VAR / "many.json"
        env = servers.settings(url) | {
            "STRIPE_SECRET": "sk_test_bench",
            "STRIPE_PUBLISHABLE_KEY": "pk_test_bench",
            "STRIPE_WEBHOOK_SECRET": "whsec_bench",
            "STRIPE_API_BASE": f"http://{LOOPBACK}:{port}",
            "STRIPE_JS_URL": f"http://{LOOPBACK}:{port}/stripe.js",
        }
        print(f"Planting {INTENTS:,} payments here and at the twin ...", flush=True)
        script(env, f"plant({INTENTS}, {str(state)!r}, spread={SPREAD_SECONDS})")
        with_twin(env, port, state, samples, growths, rounds=rounds)
    summaries = [results.summarise(row, samples) for row in ROWS]
    path = servers.VAR / "reconcile.json"
    options = {"rounds": rounds, "intents": INTENTS, "growth_mib": growths}
    results.save(path, options=options, samples=samples, summaries=summaries)
    growth = f"The process grew by {max(growths):.1f} MiB at most (target: < {GROWTH_MIB})."
    print(f"\n{results.table(summaries)}\n\n{growth}\nEvery sample: {path.relative_to(servers.CHECKOUT)}")


def with_twin(
    env: dict[str, str], port: int, state: Path, samples: dict[str, list[float]], growths: list[float], *, rounds: int
) -> None:
    """The rounds, with the twin up on what was planted."""
    command = [sys.executable, "-m", "devkit.stripe", "--port", str(port), "--state", str(state)]
    child = Child("twin-many", command, var=servers.VAR, checkout=servers.CHECKOUT)
    child.start()
    try:
        if not wait_until(lambda: servers._answers(f"http://{LOOPBACK}:{port}/"), seconds=PLANT_SECONDS):
            raise LauncherError(f"The twin of the benchmarks does not answer: see {child.log}.")
        for number in range(rounds):
            subjects = {"the same pages by the SDK": "stream()", "reconcile_stripe": "reconcile()"}
            for name in list(subjects) if number % 2 == 0 else list(reversed(subjects)):
                found = script(env, subjects[name])
                samples[name].append(INTENTS / found["seconds"])
                if "growth_mib" in found:
                    growths.append(found["growth_mib"])
                print(f"round {number + 1}/{rounds}  {name:<26} {found['seconds']:>8.1f} s", flush=True)
    finally:
        child.stop()


def script(env: dict[str, str], call: str) -> dict[str, float]:
    """Run a function of `benchmarks.many_payments` in a process of its own; what it printed."""
    code = f"from benchmarks import many_payments; many_payments.{call}"
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    began = time.monotonic()
    done = subprocess.run(
        command, cwd=servers.CHECKOUT, env=os.environ | env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise LauncherError(f"{call} failed after {time.monotonic() - began:.0f} s: {done.stderr.strip()[-400:]}")
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found
