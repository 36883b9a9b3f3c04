"""The cache that processes share through Redis, served within the process whenever Redis is away."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import structlog

from server.gateways.breaker import Breaker
from server.gateways.cache import Cache, Count, Counter
from server.gateways.redis_connection import AWAY, TIMEOUT_SECONDS, connect

PREFIX = "yizhitong:"
PAUSE_SECONDS = 1.0
_RELEASE = "if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0"
_COUNT = """
local number = redis.call('incr', KEYS[1])
if number == 1 then redis.call('pexpire', KEYS[1], ARGV[2]) end
local behind = tonumber(ARGV[1]) + 1 - number
if behind > 0 then number = redis.call('incrby', KEYS[1], behind) end
return {number, redis.call('pttl', KEYS[1])}
"""
"""In one piece: a counter that was made without its end would lock someone out for ever."""
_UNCOUNT = "if tonumber(redis.call('get', KEYS[1]) or 0) > 0 then return redis.call('decr', KEYS[1]) end return 0"
_log = structlog.get_logger(__name__)
T = TypeVar("T")


class RedisCache(Cache):
    """Every operation ends within about 0.3 seconds, whatever Redis does.

    After one failure Redis is left alone for a second. What Redis has counted is kept here too, so a limit that was
    reached stays reached when Redis goes away or comes back empty. While it is away, a lock holds within the process.
    """

    def __init__(self, url: str, seconds: float = TIMEOUT_SECONDS) -> None:
        """Aim at `url`; `seconds` is how long Redis may take over one operation in all."""
        super().__init__()
        self._seconds = seconds
        self._redis: Any = connect(url, seconds)  # its methods are typed for both kinds of client at once
        self._breaker = Breaker(1, PAUSE_SECONDS)

    async def get(self, key: str) -> bytes | None:
        """Return what was set under `key`, None where it is forgotten."""
        return await self._ask(lambda: self._redis.get(PREFIX + key), lambda: super(RedisCache, self).get(key))

    async def set(self, key: str, value: bytes, seconds: float) -> None:
        """Remember `value` for `seconds` at most."""
        await self._ask(
            lambda: self._redis.set(PREFIX + key, value, px=_milliseconds(seconds)),
            lambda: super(RedisCache, self).set(key, value, seconds),
        )

    async def delete(self, key: str) -> None:
        """Forget `key`, here and there."""
        await super().delete(key)
        await self._ask(lambda: self._redis.delete(PREFIX + key), _nothing)

    async def count(self, key: str, seconds: float) -> Count:
        """Count one more of `key`, in a window of `seconds` that begins with the first.

        What is known here goes along, so that a Redis that was away or comes back empty counts on from there.
        """
        counter = self._counter(key, seconds)
        known, left = counter.number, _milliseconds(counter.ends_at - time.monotonic())
        found = await self._ask(lambda: self._redis.eval(_COUNT, 1, PREFIX + key, known, left), _nothing)
        if found is None:
            return await super().count(key, seconds)
        number, left = found
        highest = max(number, self._counter(key, seconds).number)  # others may have counted meanwhile
        self._counters[key] = Counter(highest, time.monotonic() + left / 1000)
        return Count(number, left / 1000)

    async def uncount(self, key: str) -> None:
        """Count one less of `key`, here and there; what another process has seen of it stays as it saw it."""
        await super().uncount(key)
        await self._ask(lambda: self._redis.eval(_UNCOUNT, 1, PREFIX + key), _nothing)

    def healthy(self) -> bool:
        """Whether Redis answered last."""
        return self._breaker.healthy

    async def close(self) -> None:
        """Let go of connections."""
        await self._redis.aclose()

    async def _claim(self, key: str, holder: str, seconds: float) -> bool:
        found = await self._ask(
            lambda: self._redis.set(PREFIX + key, holder, nx=True, px=_milliseconds(seconds)),
            lambda: super(RedisCache, self)._claim(key, holder, seconds),
        )
        return bool(found)

    async def _release(self, key: str, holder: str) -> None:
        await super()._release(key, holder)
        await self._ask(lambda: self._redis.eval(_RELEASE, 1, PREFIX + key, holder), _nothing)

    async def _ask(self, command: Callable[[], Awaitable[T]], otherwise: Callable[[], Awaitable[T]]) -> T:
        """Return Redis's answer, `otherwise` where it gives none in time."""
        if self._breaker.lets_through():
            try:
                async with asyncio.timeout(self._seconds):
                    answer = await command()
            except AWAY as error:
                self._breaker.failed()
                _log.debug("redis is away", error=type(error).__name__)
            else:
                self._breaker.succeeded()
                return answer
        return await otherwise()


async def _nothing() -> Any:
    return None


def _milliseconds(seconds: float) -> int:
    return max(1, round(seconds * 1000))
