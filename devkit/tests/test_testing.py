"""The throw-away pair: its lease, its end, and what pytest gets from it."""

import os
import signal

import psycopg
import pytest
import redis

from devkit import testing
from devkit.processes import wait_until
from devkit.testing import Pair


@pytest.fixture
def pair(tmp_path):
    pair = Pair(tmp_path / "test")
    yield pair
    pair.stop()


def test_every_session_finds_both_servers_in_its_environment():
    assert os.environ["DJANGO_ENV"] == "test"
    url = os.environ["DATABASE_URL"].rpartition("/")[0] + "/postgres"
    with psycopg.connect(url) as connection:
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
    with redis.Redis.from_url(os.environ["TEST_REDIS_URL"]) as client:
        assert client.ping() is True


def test_the_pair_is_shared_while_leased_and_leaves_nothing_when_stopped(pair):
    with pair.lease() as first, Pair(pair.folder).lease() as second:
        assert first == second
        assert pair.stop() == "in use by another test run"
    with psycopg.connect(first.database_url) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("off",)
    assert pair.stop() == "stopped"
    assert pair.stop() == "not running"
    assert (first.keeper.alive(), pair.running()) == (False, None)
    assert not (pair.folder / "pg").exists()


def test_a_killed_keeper_takes_the_servers_along_and_is_replaced(pair):
    with pair.lease() as first:
        os.kill(first.keeper.pid, signal.SIGKILL)
        assert wait_until(lambda: not first.keeper.alive(), seconds=5)
    with pair.lease() as second, psycopg.connect(second.database_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
        assert second.keeper != first.keeper


def test_an_idle_pair_locks_new_users_out_and_ends(pair, monkeypatch):
    pair.folder.mkdir()
    monkeypatch.setattr(testing, "IDLE_SECONDS", 0)
    monkeypatch.setattr(testing, "WATCH_SECONDS", 0.01)
    pair._watch(lambda: False)
    assert pair._lock_out_users() is None  # what `_watch` holds until the process ends
