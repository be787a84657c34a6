"""The checks of `make check`: every tool once, several at a time, and only the failing ones' words."""

import functools
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from devkit import figures

CHECKOUT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
API_DESCRIPTION = Path("docs", "openapi.yaml")
AT_ONCE = 2
BUDGETS = ["tests/architecture/test_size.py", "tests/repository/test_locks.py"]
LINT_MIGRATIONS = ["--quiet", "ok", "ignore", "--ignore-name-contains", "0001_initial"]
"""A first migration locks nobody out: its tables are new."""
DUMMY_PRODUCTION = {
    "DJANGO_ENV": "production",
    "SECRET_KEY": "check-only-secret-key-0123456789abcdefghijklmnopqrstuvwxyz",
    "FIELD_KEY": "check-only-field-key-0123456789abcdefghijklmnopqrstuvwxyz",
    "JWT_REFRESH_SECRET": "check-only-refresh-secret-0123456789abcdefghijklmnop",
    "PUBLIC_URL": "https://studio.example",
    "REDIS_URL": "rediss://cache.studio.example:6379/0",
    "EMAIL_URL": "smtp+tls://user:password@mail.studio.example:587",
    "EMAIL_FROM": "hello@studio.example",
    "MAIL_WEBHOOK_SECRET": "check:only",
    "S3_BUCKET_NAME": "studio-private",
    "S3_PUBLIC_BUCKET_NAME": "studio-public",
    "MEDIA_BASE_URL": "https://media.studio.example",
    "STRIPE_SECRET": "sk_test_check_only",
    "STRIPE_PUBLISHABLE_KEY": "pk_test_check_only",
    "STRIPE_WEBHOOK_SECRET": "whsec_check_only",
    "STRIPE_API_BASE": "",
    "STRIPE_JS_URL": "",
    "SENTRY_DSN": "https://key@sentry.studio.example/1",
    "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing",
}
"""A complete production environment; nothing in it exists, and nothing is asked."""


@dataclass(frozen=True)
class Check:
    """One tool: its name in the list, its command, and what it finds in its environment."""

    name: str
    command: list[str]
    env: Mapping[str, str] = field(default_factory=dict)


def _tool(name: str, *arguments: str) -> list[str]:
    return [os.fspath(BIN / name), *arguments]


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, "-W", "error::RuntimeWarning", "manage.py", *arguments]


def all_checks(drift: Path) -> list[Check]:
    """List the checks, slowest first; `drift` is where the API description of today goes."""
    templates = [os.fspath(path) for path in sorted(CHECKOUT.glob("**/templates")) if ".venv" not in path.parts]
    test = {"DJANGO_SETTINGS_MODULE": "config.settings_test"}
    return [
        Check("types", _tool("mypy", ".")),
        Check("templates", _tool("djlint", "--lint", "--quiet", *templates)),
        Check("migrations", _manage("lintmigrations", *LINT_MIGRATIONS), test),
        Check("migrations drift", _manage("makemigrations", "--check", "--dry-run"), test),
        Check("deployment", _manage("check", "--deploy", "--fail-level", "WARNING"), DUMMY_PRODUCTION),
        Check(
            "API description", _manage("spectacular", "--validate", "--fail-on-warn", "--file", os.fspath(drift)), test
        ),
        Check("size budget, lower bounds", _tool("pytest", "-q", "-p", "no:cacheprovider", *BUDGETS)),
        Check("layers", _tool("lint-imports", "--no-cache")),
        Check("lint", _tool("ruff", "check", "--quiet", ".")),
        Check("format", _tool("ruff", "format", "--check", "--output-format", "concise", ".")),
    ]


def run_checks(env: Mapping[str, str]) -> bool:
    """Run every check with `env` added to its environment, print a line for each, and tell whether all passed."""
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as pool:
        today = Path(folder, "openapi.yaml")
        results = list(pool.map(functools.partial(_run, env=env), all_checks(today)))
        results.append(_compare(today))
    print(f"\n{figures.table()}\n", flush=True)
    return all(results)


def _run(check: Check, env: Mapping[str, str]) -> bool:
    began = time.monotonic()
    done = subprocess.run(
        check.command,
        cwd=CHECKOUT,
        env=os.environ | dict(env) | dict(check.env),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    passed = done.returncode == 0
    shown = "" if passed else f"\n{done.stdout.rstrip()}"
    print(f"{'ok    ' if passed else 'FAILED'} {check.name} ({time.monotonic() - began:.1f} s){shown}", flush=True)
    return passed


def _compare(today: Path) -> bool:
    committed = CHECKOUT / API_DESCRIPTION
    same = today.is_file() and committed.is_file() and today.read_text() == committed.read_text()
    if not same:
        command = f"python manage.py spectacular --file {API_DESCRIPTION}"
        print(f"FAILED {API_DESCRIPTION} is not what the code describes: DJANGO_ENV=test {command}", flush=True)
    return same
