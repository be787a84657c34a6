"""Public reads at a million posts against the same at a thousand: nothing but the index may grow with the table."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import psycopg
from psycopg import sql

from benchmarks import results, servers
from benchmarks.results import Row
from devkit import template_database
from devkit.local import make_folders
from devkit.postgres import Postgres
from devkit.processes import LauncherError

SIZES = {"thousand": 1_000, "million": 1_000_000}
# At most twice the time is at least half the rate.
ROWS = tuple(
    Row(f"{what}, 1,000,000 posts", f"{what} at a million", f"{what} at a thousand", 0.5)
    for what in ("page 1", "a filtered page", "a detail")
)


def run(*, rounds: int, seconds: float) -> None:
    """Measure every row, print the table and save it as `var/bench/million.json`."""
    samples: dict[str, list[float]] = {name: [] for row in ROWS for name in (row.ours, row.baseline)}
    with databases() as urls:
        for number in range(rounds):
            for size in urls if number % 2 == 0 else reversed(list(urls)):
                for what, rate in measured(urls[size], seconds=seconds).items():
                    samples[f"{what} at a {size}"].append(rate)
                    print(f"round {number + 1}/{rounds}  {what:<16} {size:<10} {rate:>10,.1f}/s", flush=True)
    summaries = [results.summarise(row, samples) for row in ROWS]
    path = servers.VAR / "million.json"
    results.save(path, options={"rounds": rounds, "seconds": seconds}, samples=samples, summaries=summaries)
    print(f"\n{results.table(summaries)}\n\nEvery sample: {path.relative_to(servers.CHECKOUT)}")


@contextmanager
def databases() -> Iterator[dict[str, str]]:
    """Have both databases up; their addresses by size. They are kept until the migrations change."""
    make_folders(servers.VAR)
    with Postgres(servers.VAR / "pg-million", fsync=True) as postgres:
        template = template_database.ensure(servers.CHECKOUT, postgres.url, servers.VAR / "million.lock")
        if not template:
            raise LauncherError("The database of the benchmarks could not be migrated: `make test` says why.")
        yield {size: _filled(postgres, template, size) for size in SIZES}


def _filled(postgres: Postgres, template: str, size: str) -> str:
    """Return the address of a database of so many posts, made if it is not there."""
    name, unfinished = f"{template}_{size}"[-63:], f"making_{size}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return postgres.url_of(name)
        print(f"Making the database of a {size} posts ...", flush=True)
        given = {"name": sql.Identifier(unfinished), "template": sql.Identifier(template)}
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {name}").format(**given))
        connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**given))
        _inside(postgres.url_of(unfinished), f"fill({SIZES[size]})")
        given["final"] = sql.Identifier(name)
        connection.execute(sql.SQL("ALTER DATABASE {name} RENAME TO {final}").format(**given))
    return postgres.url_of(name)


def measured(url: str, *, seconds: float) -> Mapping[str, float]:
    """Return the rates of the reads in one process, without a server and with nothing remembered."""
    found: dict[str, float] = json.loads(_inside(url, f"measure({seconds})"))
    return found


def _inside(url: str, call: str) -> str:
    """What a function of `benchmarks.million_inside` prints in a process of its own."""
    env = os.environ | servers.settings(url) | {"DJANGO_SETTINGS_MODULE": "benchmarks.cold_settings"}
    command = [sys.executable, "manage.py", "shell", "--no-imports", "-c"]
    command.append(f"from benchmarks import million_inside as it; it.{call}")
    done = subprocess.run(command, cwd=servers.CHECKOUT, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LauncherError(f"{call} failed: {done.stderr.strip()[-500:]}")
    return done.stdout
