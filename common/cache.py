"""Redis as a cache that may be lost at any time: a miss on read, nothing on write."""

import json
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from redis import Redis
from redis.exceptions import ConnectionError as RedisAway
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisSilent

logger = logging.getLogger(__name__)
FAULTS = (RedisError, OSError, ValueError)  # the last: bytes that are none of ours
AWAY_SECONDS = 1.0
_RAISE = "if redis.call('EXISTS', KEYS[1]) == 1 then return redis.call('INCRBY', KEYS[1], ARGV[1]) end return false"
T = TypeVar("T")
_away_until: dict[str, float] = {}


class JsonSerializer:
    """What lies in Redis is data. Django's own serializer unpickles: whoever writes to Redis could run code here."""

    def dumps(self, value: Any) -> bytes | int:
        """The value as JSON; an integer as it is, so that Redis can count it up."""
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        """The value; raises ValueError for what is no JSON."""
        return json.loads(data)


class PromptRedis(Redis):  # type: ignore[type-arg]  # generic only in the stubs
    """A client that asks a server that is away or silent once a second and process, and else says so at once.

    Without this each call on a silent server would wait for its timeout, and a request makes several.
    """

    def execute_command(self, *args: Any, **options: Any) -> Any:
        """Redis's answer. Raises redis' ConnectionError, at once or after the timeout."""
        server = str(sorted((name, str(self._where.get(name))) for name in ("host", "port", "path")))
        if time.monotonic() < _away_until.get(server, 0.0):
            raise RedisAway("The server was away a moment ago.")
        try:
            return super().execute_command(*args, **options)
        except (RedisAway, RedisSilent):
            _away_until[server] = time.monotonic() + AWAY_SECONDS
            raise

    @property
    def _where(self) -> Mapping[str, Any]:
        kwargs: Mapping[str, Any] = self.connection_pool.connection_kwargs
        return kwargs


class PromptClient(RedisCacheClient):
    """Django's client over ours, made once: making one takes longer than asking Redis."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._client = PromptRedis
        self._made: dict[bool, Any] = {}

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        """The client for reading or writing; each call of it takes a connection from the pool."""
        if write not in self._made:
            self._made[write] = super().get_client(key, write=write)
        return self._made[write]

    def incr(self, key: Any, delta: int) -> int:
        """The raised counter, in one round trip where Django makes two; raises ValueError where there is none."""
        value = self.get_client(key, write=True).execute_command("EVAL", _RAISE, 1, key, delta)
        if value is None:
            raise ValueError(f"Key {key!r} not found.")
        return int(value)


class PromptRedisCache(RedisCache):
    """Django's RedisCache that never waits twice for a silent server; its outages are exceptions, as limits want it."""

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = PromptClient


class ForgivingRedisCache(PromptRedisCache):
    """A cache whose outages are misses; never use it for locks or counters: `add` and `incr` still raise."""

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """The value, or `default` also when Redis is away."""
        return _forgive(lambda: super(ForgivingRedisCache, self).get(key, default, version), default)

    def get_many(self, keys: Iterable[str], version: int | None = None) -> dict[str, Any]:
        """The values that are there; none when Redis is away."""
        return _forgive(lambda: super(ForgivingRedisCache, self).get_many(keys, version), {})

    def has_key(self, key: str, version: int | None = None) -> bool:
        """Whether there is a value; False also when Redis is away."""
        return _forgive(lambda: bool(super(ForgivingRedisCache, self).has_key(key, version)), False)

    def set(self, key: str, value: Any, timeout: Any = 300, version: int | None = None) -> None:
        """Store the value if Redis is there."""
        _forgive(lambda: super(ForgivingRedisCache, self).set(key, value, timeout, version), None)

    def set_many(self, data: Mapping[str, Any], timeout: Any = 300, version: int | None = None) -> list[str]:
        """Store the values if Redis is there; the keys that were not stored."""
        return _forgive(lambda: super(ForgivingRedisCache, self).set_many(dict(data), timeout, version), list(data))

    def delete(self, key: str, version: int | None = None) -> bool:
        """Forget the value; False also when Redis is away."""
        return _forgive(lambda: bool(super(ForgivingRedisCache, self).delete(key, version)), False)

    def delete_many(self, keys: Iterable[str], version: int | None = None) -> None:
        """Forget the values if Redis is there."""
        _forgive(lambda: super(ForgivingRedisCache, self).delete_many(keys, version), None)


def _forgive(ask: Callable[[], T], otherwise: T) -> T:
    try:
        return ask()
    except FAULTS as fault:
        logger.warning("cache_unavailable", extra={"reason": type(fault).__name__})
        return otherwise
