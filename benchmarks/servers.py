"""What is measured runs on these: a PostgreSQL with fsync, seeded afresh, and web servers as the Procfile has them."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from devkit import template_database
from devkit.children import Child
from devkit.local import make_folders
from devkit.postgres import Postgres
from devkit.processes import LOOPBACK, LauncherError, free_port, wait_until

CHECKOUT = Path(__file__).resolve().parent.parent
VAR = CHECKOUT / "var" / "bench"
DATABASE = "bench"
WORKERS = 2
START_SECONDS = 60
SEED = "from benchmarks import seeding; seeding.fill()"
APPLICATION = "config.wsgi:application"
SECRETS = {
    name: f"bench-only-{name.lower()}-0123456789abcdefghijklmnopqrstuvwxyz"
    for name in ("SECRET_KEY", "FIELD_KEY", "JWT_REFRESH_SECRET", "JWT_SECRET")
}


@contextmanager
def database() -> Iterator[str]:
    """Have a migrated database up with the posts of `benchmarks.seeding` and nothing else; its address."""
    make_folders(VAR)
    with Postgres(VAR / "pg", fsync=True) as postgres:
        template = template_database.ensure(CHECKOUT, postgres.url, VAR / "template.lock")
        if not template:
            raise LauncherError("The database of the benchmarks could not be migrated: `make test` says why.")
        _copy(postgres.url, template)
        url = postgres.url_of(DATABASE)
        command = [sys.executable, "manage.py", "shell", "--no-imports", "-c", SEED]
        subprocess.run(command, cwd=CHECKOUT, env=os.environ | settings(url), check=True)
        yield url


def _copy(url: str, template: str) -> None:
    """Make the database anew from the template; templates of older migrations go."""
    with psycopg.connect(url, autocommit=True) as connection:
        kept = [template, "template0", "template1", "postgres"]
        for (name,) in connection.execute(
            "SELECT datname FROM pg_database WHERE datname != ALL(%s)", [kept]
        ).fetchall():
            connection.execute(sql.SQL("DROP DATABASE {}").format(sql.Identifier(name)))
        names = sql.Identifier(DATABASE), sql.Identifier(template)
        connection.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))


def settings(database_url: str) -> dict[str, str]:
    """Return the environment of a production process on this machine, without a cache server."""
    return {
        **SECRETS,
        "DJANGO_ENV": "production",
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database_url,
        "PUBLIC_URL": f"http://{LOOPBACK}",
        "ALLOWED_HOSTS": LOOPBACK,
        "STORAGE": "local",
        "REDIS_URL": "",
        "CELERY_BROKER_URL": "",
        "SENTRY_DSN": "",
        "RATE_READ": "",
        "EDGE_CACHE": "on",
    }


def web_command(application: str, port: int) -> list[str]:
    """Return the Procfile's command of the web for another application and port of this machine."""
    lines = (CHECKOUT / "Procfile").read_text().splitlines()
    web = next(line.removeprefix("web:").strip() for line in lines if line.startswith("web:"))
    given = {"PORT": str(port), "WEB_CONCURRENCY": str(WORKERS)}
    words = shlex.split(re.sub(r"\$\{(\w+):-(\w*)\}", lambda match: given.get(match[1], match[2]), web))
    changed = {"granian": os.fspath(Path(sys.executable).with_name("granian")), "0.0.0.0": LOOPBACK}
    return [changed.get(word, application if word == APPLICATION else word) for word in words]


@contextmanager
def web(name: str, env: Mapping[str, str], *, application: str = APPLICATION, probe: str = "/healthz") -> Iterator[str]:
    """Have a web server up that answers `probe`; its address. Its log is `var/bench/log/<name>.log`."""
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    child = Child(name, web_command(application, port), var=VAR, env={**env, "PYTHONPATH": os.fspath(CHECKOUT)})
    child.start()
    try:
        if not wait_until(lambda: child.code() is not None or _answers(url + probe), seconds=START_SECONDS):
            raise LauncherError(f"The server {name} of the benchmarks does not answer: see {child.log}.")
        if child.code() is not None:
            raise child.ended_badly()
        yield url
    finally:
        child.stop()


@dataclass(frozen=True)
class Answer:
    """What a server said; names of headers in lower case."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


def get(url: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Ask without following or refusing anything. Raises OSError when nobody answers."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.request("GET", parts.path, headers=headers or {})
        answer = connection.getresponse()
        given = [(name.lower(), value) for name, value in answer.getheaders()]
        return Answer(answer.status, given, answer.read())
    finally:
        connection.close()


def _answers(url: str) -> bool:
    try:
        return get(url).status == HTTPStatus.OK
    except OSError:
        return False
