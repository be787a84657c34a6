"""The locks hold what the design needs: a resolver's silent downgrade fails here."""

import re
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).parents[2]
LOWER_BOUNDS = {
    "django": "5.2.19",
    "djangorestframework": "3.16",
    "djangorestframework-simplejwt": "5.5.1",
    "pyjwt": "2.10",
    "django-otp": "1.7.5",
    "django-storages": "1.14.6",
    "boto3": "1.44",
    "stripe": "16.1",
    "celery": "5.6",
    "redis": "6",
    "django-anymail": "13",
    "django-ratelimit": "4.1",
    "psycopg": "3.2",
    "zxcvbn": "4.5",
    "pillow": "11.3",
    "cryptography": "45",
    "granian": "2.4",
    "django-csp": "4.0",
}


def locked(name: str) -> dict[str, str]:
    lines = (ROOT / name).read_text().splitlines()
    return {
        m[1].lower(): m[2] for line in lines if (m := re.match(r"([A-Za-z0-9_.-]+)(?:\[[^\]]*\])?==([^\s;]+)", line))
    }


@pytest.mark.parametrize("name", sorted(LOWER_BOUNDS))
def test_locked_version_is_not_below_its_bound(name):
    assert Version(locked("requirements.txt")[name]) >= Version(LOWER_BOUNDS[name])


def test_django_stays_on_its_lts_line():
    assert Version(locked("requirements.txt")["django"]) < Version("6")


def test_both_locks_agree():
    runtime, development = locked("requirements.txt"), locked("requirements-dev.txt")
    assert {name: development.get(name) for name in runtime} == runtime


@pytest.mark.parametrize("name", ["requirements.in", "requirements-dev.in"])
def test_every_direct_dependency_says_what_it_is_for(name):
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and not line.startswith(("#", "-"))]
    assert [line for line in lines if not re.search(r"\s# \S", line)] == []
