"""What lies in the shared cache is data and runs nothing."""

import os
import pickle

import pytest
import redis

from common.cache import ForgivingRedisCache, JsonSerializer, PromptRedisCache
from devkit.valkey import Valkey


class Hostile:
    """Unpickling it leaves a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.fixture
def url(tmp_path):
    with Valkey(tmp_path / "valkey") as server:
        yield server.url


def test_a_stranger_in_redis_runs_no_code_here(tmp_path, url):
    cache = ForgivingRedisCache(url, {"OPTIONS": {"serializer": "common.cache.JsonSerializer"}})
    with redis.Redis.from_url(url) as stranger:
        stranger.set(cache.make_key("edge:1"), pickle.dumps(Hostile(tmp_path / "ran")))

    assert cache.get("edge:1", "nothing") == "nothing"
    assert not (tmp_path / "ran").exists()

    cache.set("edge:1", ["200 OK", [["ETag", "x"]], "Ym9keQ=="])
    assert cache.get("edge:1") == ["200 OK", [["ETag", "x"]], "Ym9keQ=="]
    cache.set("count", 1)
    assert cache.incr("count") == 2
    cache.close()


def test_both_caches_of_redis_read_json_only(settings):
    assert JsonSerializer().loads(JsonSerializer().dumps({"a": [1, "b", None]})) == {"a": [1, "b", None]}
    with pytest.raises(ValueError, match="Expecting value"):
        JsonSerializer().loads(b"no JSON")


def test_a_counter_is_raised_and_keeps_its_end_but_is_not_made(url):
    cache = PromptRedisCache(url, {"OPTIONS": {"serializer": "common.cache.JsonSerializer"}})
    with pytest.raises(ValueError, match="not found"):
        cache.incr("limit")
    assert cache.get("limit") is None

    assert cache.add("limit", 0, 60)
    assert [cache.incr("limit"), cache.incr("limit", 5), cache.decr("limit")] == [1, 6, 5]
    with redis.Redis.from_url(url) as stranger:
        assert 0 < stranger.ttl(cache.make_key("limit")) <= 60
    cache.close()
