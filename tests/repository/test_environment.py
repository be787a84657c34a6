"""What the settings read and what `.env.example` says are the same names; a wrong environment is one plain sentence."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from config import settings as module

ROOT = Path(__file__).parents[2]
GOOD = {
    "DJANGO_ENV": "production",
    "SECRET_KEY": "s" * 50,
    "FIELD_KEY": "f" * 50,
    "JWT_REFRESH_SECRET": "j" * 50,
    "DATABASE_URL": "postgres://u:p@127.0.0.1:1/x",
    "PUBLIC_URL": "https://api.example.com",
}


def start(**changes: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ["PATH"], **GOOD, **changes}
    code = (
        "import sys; sys.argv = ['manage.py', 'check'];"
        "import config.settings as s; print(s.PAYMENTS_MODE, s.STAFF_TWO_FACTOR)"
    )
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)


def test_the_example_names_what_the_settings_read():
    written = set(re.findall(r"^([A-Z0-9_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert written == module.env.names


def test_production_starts_with_only_the_required_five():
    done = start()
    assert (done.returncode, done.stdout.split()) == (0, ["off", "required"]), done.stderr


@pytest.mark.parametrize("name", ["SECRET_KEY", "FIELD_KEY", "JWT_REFRESH_SECRET", "DATABASE_URL", "PUBLIC_URL"])
def test_a_missing_required_value_is_one_sentence_that_names_it(name):
    done = start(**{name: ""})
    assert done.returncode == 1
    assert done.stderr.startswith(f"Cannot start: {name} is not set")
    assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"STRIPE_SECRET": "sk_live_x", "STRIPE_API_BASE": "http://127.0.0.1:9"}, "STRIPE_SECRET is a live key"),
        ({"STRIPE_SECRET": "sk_live_x", "DJANGO_ENV": "local"}, "STRIPE_SECRET is a live key"),
        ({"JWT_REFRESH_SECRET": "s" * 50}, "JWT_REFRESH_SECRET equals SECRET_KEY"),
        ({"FIELD_KEY": "short"}, "FIELD_KEY holds a value of under 32 characters"),
        ({"PORT": "http"}, "PORT is 'http'"),
        ({"REFRESH_TOKEN_EXPIRY": "soon"}, "REFRESH_TOKEN_EXPIRY is 'soon'"),
        ({"RATE_LOGIN_IP": "many"}, "RATE_LOGIN_IP is 'many'"),
        ({"PUBLIC_URL": "api.example.com"}, "PUBLIC_URL is 'api.example.com'"),
        ({"PUBLIC_URL": "https://user@api.example.com"}, "PUBLIC_URL is"),
        ({"STAFF_TWO_FACTOR": "maybe"}, "STAFF_TWO_FACTOR is 'maybe'"),
        ({"DATABASE_URL": "mysql://u:p@h/x"}, "DATABASE_URL cannot be read"),
        ({"DATABASE_URL": "postgres://u:p@h:port/x"}, "DATABASE_URL cannot be read"),
        ({"REDIS_URL": "localhost:6379"}, "REDIS_URL cannot be read"),
        ({"EMAIL_URL": "mail.example.com"}, "EMAIL_URL cannot be read"),
        ({"EMAIL_URL": "smtp+tls://u:p@h:port"}, "EMAIL_URL cannot be read"),
        ({"SENTRY_DSN": "nonsense"}, "SENTRY_DSN cannot be read"),
        ({"STUDIO_TIME_ZONE": "Mars/Olympus"}, "STUDIO_TIME_ZONE cannot be read"),
        ({"FRONTEND_PATHS": "[1]"}, "FRONTEND_PATHS cannot be read"),
    ],
)
def test_a_wrong_value_is_one_sentence(changes, words):
    done = start(**changes)
    assert done.returncode == 1
    assert words in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def manage(command: str, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", command],
        cwd=ROOT, env={"PATH": os.environ["PATH"], **environment}, capture_output=True, text=True,
    )  # fmt: skip


def test_secrets_are_generated_where_nothing_is_set_yet():
    done = manage("generate_secrets", {})
    assert (done.returncode, done.stderr) == (0, "")
    pairs = dict(line.split("=", 1) for line in done.stdout.splitlines())
    assert start(**pairs).returncode == 0


@pytest.mark.parametrize("command", ["release", "doctor", "reconcile_stripe", "migrate"])
def test_a_command_without_its_database_says_so_in_one_sentence(command):
    done = manage(command, GOOD)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("The database is away")
    assert "Traceback" not in done.stderr


def test_a_secret_may_stand_in_a_file(tmp_path):
    (tmp_path / "key").write_text("k" * 50 + "\n")
    done = start(SECRET_KEY="", SECRET_KEY_FILE=str(tmp_path / "key"))
    assert done.returncode == 0, done.stderr


def test_live_keys_are_live_mode():
    done = start(STRIPE_SECRET="sk_live_x")
    assert done.stdout.split()[0] == "live"


def test_debug_is_off_everywhere():
    assert settings.DEBUG is False
