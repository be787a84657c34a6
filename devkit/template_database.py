"""A migrated database to copy: test databases are made from it in a fraction of the time that migrating takes."""

import contextlib
import fcntl
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

MIGRATE = ["manage.py", "migrate", "--no-input", "--verbosity", "0", "--settings", "config.settings_test"]


def ensure(checkout: Path, database_url: str, lock: Path) -> str:
    """Return the name of the cluster's template for today's migrations, making it the first time; empty if that fails.

    Several sessions may ask at once: `lock` lets one of them do the work. `database_url` names any database of the
    cluster. A failure is no error here: tests then migrate by themselves, and say better what is wrong.
    """
    name = f"template_{schema_fingerprint(checkout)}"
    with lock.open("w") as handle, psycopg.connect(database_url, autocommit=True) as connection:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name]).fetchone():
            return name
        unfinished = sql.Identifier(f"{name}_unfinished")
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {}").format(unfinished))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(unfinished))
        url = urlsplit(database_url)._replace(path=f"/{name}_unfinished").geturl()
        with contextlib.suppress(OSError):
            if _migrate(checkout, url):
                connection.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(unfinished, sql.Identifier(name)))
                return name
    return ""


def _migrate(checkout: Path, url: str) -> bool:
    env = os.environ | {"DATABASE_URL": url, "DJANGO_ENV": "test"}
    done = subprocess.run([sys.executable, *MIGRATE], cwd=checkout, env=env, capture_output=True, check=False)
    return done.returncode == 0


def schema_fingerprint(checkout: Path) -> str:
    """Hash what decides the schema: every file of every app's migrations, and the locked packages."""
    digest = hashlib.sha256()
    for path in [*sorted(checkout.glob("*/migrations/**/*")), checkout / "requirements-dev.txt"]:
        if path.is_file() and path.suffix != ".pyc":
            digest.update(os.fsencode(path.relative_to(checkout)) + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
