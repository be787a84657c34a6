"""Pytest plugin (`-p devkit.pytest_plugin` in pytest.ini): servers for the tests, before Django reads its settings.

What the environment names is used as it is; what it does not name comes from the checkout's throw-away pair. Each
session has a database name of its own, so that several people may test at once on one cluster.
"""

import os
from collections.abc import Generator, Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import pytest

from devkit import template_database
from devkit.processes import LauncherError
from devkit.s3.fixture import S3Process
from devkit.testing import CHECKOUT, Pair

_LEASE = ExitStack()


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """Set DJANGO_ENV, DATABASE_URL, TEST_REDIS_URL and, on our own cluster, TEST_DATABASE_TEMPLATE; workers inherit."""
    os.environ["DJANGO_ENV"] = "test"
    missing = {"DATABASE_URL", "TEST_REDIS_URL"} - os.environ.keys()
    if missing and not early_config.known_args_namespace.help:
        try:
            services = _LEASE.enter_context(Pair().lease())
        except LauncherError as error:
            raise pytest.UsageError(str(error)) from None
        database = urlsplit(services.database_url)._replace(path=f"/session_{os.getpid()}").geturl()
        found = {"DATABASE_URL": database, "TEST_REDIS_URL": services.redis_url}
        os.environ.update({name: found[name] for name in missing})
        if "DATABASE_URL" in missing:
            lock = CHECKOUT / "var" / "test" / "template.lock"
            os.environ["TEST_DATABASE_TEMPLATE"] = template_database.ensure(CHECKOUT, services.database_url, lock)
    return (yield)


def pytest_unconfigure() -> None:
    """Give the pair back."""
    _LEASE.close()


@pytest.fixture(scope="session")
def s3_process() -> Iterator[S3Process]:
    """The stand-in of S3, started by the first test that asks for it."""
    with S3Process() as process:
        yield process


@pytest.fixture
def s3_gate(s3_process: S3Process) -> S3Process:
    """The stand-in of S3 with two empty buckets, the right time and nobody's faults."""
    s3_process.control(clear=True, clock_offset_s=0, away=False)
    return s3_process
