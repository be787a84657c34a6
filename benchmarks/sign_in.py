"""Sign-in and backup codes against the one hash that each costs, refresh against two UPDATEs and a commit."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmarks import results, servers, wrk
from benchmarks.results import Row
from devkit.processes import LauncherError
from devkit.valkey import Valkey

REFRESH, TWO_UPDATES = "/api/auth/refresh", "/two-updates"
SCRIPT = Path(__file__).with_name("chain.lua")
WARM_UP_SECONDS = 2
"""Long enough for every thread of a server to connect, and to read the signing key."""
CHAINS = 2 * wrk.CONNECTIONS
"""More than wrk ever has under way: each request takes the newest token of a chain that nobody else uses."""
# At most 1.25 times the time is at least 0.8 times the rate.
ROWS = (
    Row("sign-in, inside", "sign-in", "one Argon2id", 0.8),
    Row("backup-code verification, inside", "backup code", "its Argon2id", 0.8),
    Row("refresh", "refresh", "two UPDATEs", 0.5),
)


def run(*, rounds: int, seconds: float) -> None:
    """Measure every row, print the table and save it as `var/bench/sign_in.json`."""
    program = wrk.ensure()
    samples: dict[str, list[float]] = {name: [] for row in ROWS for name in (row.ours, row.baseline)}
    with subjects() as (env, found):
        for name in found:
            _asked(program, env, found, name, WARM_UP_SECONDS)
        for number in range(rounds):
            _note(samples, number, rounds, inside(env, seconds=seconds, backwards=bool(number % 2)))
            names = list(found) if number % 2 == 0 else list(reversed(found))
            for name in names:
                _note(samples, number, rounds, {name: _asked(program, env, found, name, seconds)})
    summaries = [results.summarise(row, samples) for row in ROWS]
    path = servers.VAR / "sign_in.json"
    options = {"rounds": rounds, "seconds": seconds, "connections": wrk.CONNECTIONS, "workers": servers.WORKERS}
    results.save(path, options=options, samples=samples, summaries=summaries)
    print(f"\n{results.table(summaries)}\n\nEvery sample: {path.relative_to(servers.CHECKOUT)}")


@contextmanager
def subjects() -> Iterator[tuple[dict[str, str], dict[str, str]]]:
    """Have both servers up; the environment, and the addresses that wrk asks."""
    with ExitStack() as stack:
        url = stack.enter_context(servers.database())
        # Successes are not limited, but a session and an address are: to 30 and 120 refreshes a minute.
        env = servers.settings(url) | {"STAFF_TWO_FACTOR": "optional", "RATE_LIMIT_FACTOR": "1000000"}
        # All requests come from one address: in PostgreSQL its counter would be the one row that everybody waits for.
        env["REDIS_URL"] = stack.enter_context(Valkey(servers.VAR / "valkey")).url
        _inside(env, "release")
        print("Starting the web servers ...", flush=True)
        ours = stack.enter_context(servers.web("sign_in", env))
        plain_env = env | {"DJANGO_SETTINGS_MODULE": "benchmarks.two_updates_settings"}
        plain = stack.enter_context(
            servers.web("two_updates", plain_env, application="benchmarks.plain_wsgi:application", probe=TWO_UPDATES)
        )
        yield env, {"refresh": ours + REFRESH, "two UPDATEs": plain + TWO_UPDATES}


def _asked(program: str, env: dict[str, str], found: dict[str, str], name: str, seconds: float) -> float:
    """How many requests a second one of the servers answers; each has a chain of tokens, or a session, of its own."""
    chains = planted(env, tokens=name == "refresh")
    return wrk.rate(program, found[name], seconds=seconds, script=(str(SCRIPT), "--", str(chains)))


def inside(env: dict[str, str], *, seconds: float, backwards: bool) -> dict[str, float]:
    """Return the rates of what is measured in one process, without a server."""
    found: dict[str, float] = json.loads(_inside(env, f"measure(seconds={seconds}, backwards={backwards})"))
    return found


def planted(env: dict[str, str], *, tokens: bool) -> Path:
    """Open sessions and leave their refresh tokens, or their ids, one a line, for wrk."""
    path = servers.VAR / "chains.txt"
    path.write_text(_inside(env, f"plant(count={CHAINS}, tokens={tokens})"))
    return path


def _inside(env: dict[str, str], call: str) -> str:
    """What a function of `benchmarks.sign_in_inside` prints in a process of its own."""
    code = f"from benchmarks import sign_in_inside as it; it.{call if '(' in call else call + '()'}"
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", code]
    done = subprocess.run(
        command, cwd=servers.CHECKOUT, env=os.environ | env, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise LauncherError(f"{call} failed: {done.stderr.strip()[-500:]}")
    return done.stdout


def _note(samples: dict[str, list[float]], number: int, rounds: int, found: dict[str, float]) -> None:
    for name, rate in found.items():
        samples[name].append(rate)
        print(f"round {number + 1}/{rounds}  {name:<16} {rate:>10,.1f}/s", flush=True)
