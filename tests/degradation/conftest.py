"""One running system for all tests of this folder; each test gets it whole."""

import psycopg
import pytest
from django.db import connection

from devkit.postgres import Postgres
from devkit.sendgrid import SendGrid
from devkit.valkey import Valkey
from tests.degradation.stack import Stack, copy_database, wait_until


@pytest.fixture(scope="session")
def _running(django_db_setup, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stack")
    settings = connection.settings_dict
    source = f"postgresql://{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT']}/"
    with (
        Postgres(folder / "pg", fsync=False, database="studio") as postgres,
        Valkey(folder / "valkey") as valkey,
        SendGrid() as provider,
    ):
        copy_database(source + settings["NAME"], postgres.url)
        with psycopg.connect(
            postgres.url, autocommit=True
        ) as owner:  # what was committed outlives a crash, as it should
            owner.execute("ALTER DATABASE studio SET synchronous_commit = on")
        stack = Stack(postgres, valkey, provider, folder)
        try:
            stack.start()
            yield stack
        finally:
            stack.stop()


@pytest.fixture
def stack(_running):
    """Return the system with all parts there, and put back what a test has taken away."""
    yield _running
    if not _running.postgres.running():
        _running.postgres.start()
    if not _running.valkey.running():
        _running.valkey.start()
    _running.provider.mode = "202"
    wait_until(lambda: _running.cache_check() == {"status": "ok"} and _running.is_alive(), _running.log("web"))
