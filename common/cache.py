"""Redis as a cache that may be lost at any time: a miss on read, nothing on write."""

import json
import logging
from typing import Any

from django.core.cache.backends.redis import RedisCache
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)
FAULTS = (RedisError, OSError, ValueError)  # the last: bytes that are none of ours


class JsonSerializer:
    """What lies in Redis is data. Django's own serializer unpickles: whoever writes to Redis could run code here."""

    def dumps(self, value: Any) -> bytes | int:
        """The value as JSON; an integer as it is, so that Redis can count it up."""
        return value if type(value) is int else json.dumps(value).encode()

    def loads(self, data: bytes) -> Any:
        """The value; raises ValueError for what is no JSON."""
        return json.loads(data)


class ForgivingRedisCache(RedisCache):
    """Django's RedisCache whose outages are cache misses; never use it for locks or counters."""

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """The value, or `default` also when Redis is away."""
        try:
            return super().get(key, default, version)
        except FAULTS:
            logger.warning("cache_unavailable")
            return default

    def set(self, key: str, value: Any, timeout: Any = 300, version: int | None = None) -> None:
        """Store the value if Redis is there."""
        try:
            super().set(key, value, timeout, version)
        except FAULTS:
            logger.warning("cache_unavailable")

    def delete(self, key: str, version: int | None = None) -> bool:
        """Forget the value; False also when Redis is away."""
        try:
            return bool(super().delete(key, version))
        except FAULTS:
            logger.warning("cache_unavailable")
            return False
