"""Redis absent, dead, silent: requests go on, only the cache is missed."""

import os
import signal

import pytest
from django.conf import settings
from django.test import Client
from redis.exceptions import ConnectionError as RedisAway

from cms import edge
from common import cache as redis_cache
from common.cache import ForgivingRedisCache
from tests.degradation.stack import wait_until

pytestmark = pytest.mark.xdist_group("degradation")  # one running system for all of them
ABSENT = {"status": "degraded", "reason": "redis_absent"}
AWAY = {"status": "degraded", "reason": "redis_unavailable"}
LISTING = "/api/services"
MOST_MORE_SECONDS = 0.2


def fastest(ask, times=5):
    """The least of a few, since this machine is shared; each one must be right."""
    answers = [ask() for _ in range(times)]
    assert {answer.status for answer in answers} <= {200, 201}, answers
    return min(answer.seconds for answer in answers)


def fresh_listing(stack):
    """Read a listing that is in no process's memory, so that the shared store is asked."""
    fresh_listing.count = getattr(fresh_listing, "count", 0) + 1
    return stack.get(f"{LISTING}?q=never{fresh_listing.count}")


def mails(stack):
    return len(stack.provider.taken)


@pytest.mark.django_db
def test_without_a_redis_url_all_is_in_postgresql_and_said_so():
    assert settings.REDIS_URL == ""
    assert settings.CACHES["limits"]["BACKEND"] == "django.core.cache.backends.db.DatabaseCache"
    assert settings.CACHES["default"]["BACKEND"] == "django.core.cache.backends.locmem.LocMemCache"
    assert settings.CELERY_BROKER_URL == ""
    assert edge.wrap(lambda *_: [])._shared is None
    for path in ("/health", "/readyz"):
        answer = Client().get(path)
        assert (answer.status_code, answer.json()["status"]) == (200, "degraded"), path
        assert answer.json()["checks"]["cache"] == ABSENT, path
    assert Client().get("/healthz").json() == {"status": "ok"}


def test_redis_dies_and_comes_back(stack):
    before = mails(stack)
    assert stack.cache_check() == {"status": "ok"}
    os.kill(stack.valkey.process.pid, signal.SIGKILL)
    stack.valkey.stop()
    assert stack.get(LISTING).status == 200
    assert fresh_listing(stack).status == 200
    booked = stack.book()
    assert booked.status == 201, booked.body
    wait_until(lambda: mails(stack) == before + 1, stack.log("runner"), seconds=10)
    health, ready = stack.get("/health"), stack.get("/readyz")
    assert (health.status, health.json["status"], health.json["checks"]["cache"]) == (200, "degraded", AWAY)
    assert (ready.status, ready.json["checks"]["cache"], stack.get("/healthz").status) == (200, AWAY, 200)
    stack.valkey.start()
    wait_until(lambda: stack.cache_check() == {"status": "ok"}, stack.log("web"), seconds=10)
    assert stack.is_alive()


def test_a_silent_redis_slows_nothing(stack):
    before = mails(stack)
    booking, reading = fastest(stack.book), fastest(lambda: fresh_listing(stack))
    with stack.paused(stack.valkey.process.pid):
        wait_until(lambda: stack.cache_check() == AWAY, seconds=10)
        assert fastest(stack.book) - booking < MOST_MORE_SECONDS
        assert fastest(lambda: fresh_listing(stack)) - reading < MOST_MORE_SECONDS
        assert stack.get("/readyz").json["checks"]["cache"] == AWAY
        wait_until(lambda: mails(stack) == before + 10, stack.log("runner"), seconds=10)
    wait_until(lambda: stack.cache_check() == {"status": "ok"}, stack.log("web"), seconds=10)


# --- The cache itself, against a real server that is taken away ------------------------------------------------------


@pytest.fixture
def cache(stack):
    options = {"socket_timeout": 0.1, "socket_connect_timeout": 0.1, "serializer": "common.cache.JsonSerializer"}
    redis_cache._away_until.clear()
    made = ForgivingRedisCache(stack.valkey.url, {"OPTIONS": options, "KEY_PREFIX": "test"})
    yield made
    made.close()
    redis_cache._away_until.clear()


def test_a_dead_redis_is_a_miss_and_never_a_lock(stack, cache):
    cache.set("a", 1)
    assert (cache.get("a"), cache.get_many(["a"]), cache.has_key("a")) == (1, {"a": 1}, True)
    assert cache.add("lock", 1) is True
    stack.valkey.stop()
    assert (cache.get("a"), cache.get("a", "other"), cache.get_many(["a"]), cache.has_key("a")) == (
        None, "other", {}, False,
    )  # fmt: skip
    assert (cache.set("a", 2), cache.set_many({"a": 2}), cache.delete("a"), cache.delete_many(["a"])) == (
        None, ["a"], False, None,
    )  # fmt: skip
    for taking in (lambda: cache.add("lock", 1), lambda: cache.incr("a")):
        with pytest.raises(RedisAway):
            taking()
    stack.valkey.start()
    redis_cache._away_until.clear()
    assert cache.get("a") == 1
    cache.set("a", 3)
    assert cache.get("a") == 3


def test_a_silent_redis_is_asked_once_a_second(stack, cache, monkeypatch):
    now, asked = [1000.0], []
    real = redis_cache.Redis.execute_command
    monkeypatch.setattr(redis_cache.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(
        redis_cache.Redis, "execute_command", lambda self, *a, **o: (asked.append(a[0]), real(self, *a, **o))[1]
    )
    with stack.paused(stack.valkey.process.pid):
        for _ in range(5):
            assert cache.get("a") is None
        assert asked == ["GET"]
        now[0] += 0.9
        assert cache.get("a") is None
        assert len(asked) == 1
        now[0] += 0.2
        assert cache.get("a") is None
        assert len(asked) == 2
    now[0] += 1.1
    cache.set("a", 5)
    assert cache.get("a") == 5
