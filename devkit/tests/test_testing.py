"""The throw-away pair: its lease, and what pytest gets from it."""

import os

import psycopg
import redis


def test_every_session_finds_both_servers_in_its_environment():
    assert os.environ["DJANGO_ENV"] == "test"
    url = os.environ["DATABASE_URL"].rpartition("/")[0] + "/postgres"
    with psycopg.connect(url) as connection:
        assert connection.execute("SHOW server_encoding").fetchone() == ("UTF8",)
    assert redis.Redis.from_url(os.environ["TEST_REDIS_URL"]).ping() is True
