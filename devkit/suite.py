"""The targets `make check`, `make test` and `make e2e`, each on servers that are started for it when none are named."""

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from devkit import chromium
from devkit.checks import run_checks
from devkit.processes import LauncherError
from devkit.testing import Pair

CHECKOUT = Path(__file__).resolve().parent.parent
Environment = Mapping[str, str]
"""What the checks find beside `os.environ`. Pytest does not: each of its sessions has a database name of its own."""


@contextmanager
def servers() -> Iterator[Environment]:
    """Have a PostgreSQL and a Valkey up for the tools and for pytest, whose plugin joins this very pair."""
    if {"DATABASE_URL", "TEST_REDIS_URL"} <= os.environ.keys():
        yield {}
        return
    pair = Pair()
    try:
        with pair.lease() as services:
            yield {} if "DATABASE_URL" in os.environ else {"DATABASE_URL": services.database_url}
    finally:
        pair.stop()


def pytest(*arguments: str) -> bool:
    """Run pytest in the checkout; True when it passed."""
    return subprocess.run([sys.executable, "-m", "pytest", *arguments], cwd=CHECKOUT, check=False).returncode == 0


def check(_options: argparse.Namespace, env: Environment) -> bool:
    """Run the checks alone."""
    return run_checks(env)


def test(options: argparse.Namespace, env: Environment) -> bool:
    """Run the checks and every test, and print the coverage of branches; both run, whatever the first one finds."""
    checked = run_checks(env)
    coverage = ["--cov", "--cov-report=term:skip-covered"]
    return (
        pytest("-q", "-n", options.workers, "--maxprocesses", options.workers, "--dist", "loadgroup", *coverage)
        and checked
    )


def e2e(_options: argparse.Namespace, _env: Environment) -> bool:
    """Run the browser tests."""
    os.environ["CHROMIUM"] = chromium.ensure()
    return pytest("-q", "e2e")


TARGETS: dict[str, Callable[[argparse.Namespace, Environment], bool]] = {"check": check, "test": test, "e2e": e2e}


def main(arguments: list[str] | None = None) -> int:
    """Run one target; 0 when everything passed."""
    parser = argparse.ArgumentParser(prog="python -m devkit.suite", description=__doc__)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--workers", default="2", help="processes of pytest")
    options = parser.parse_args(arguments)
    try:
        with servers() as env:
            return 0 if TARGETS[options.target](options, env) else 1
    except LauncherError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
