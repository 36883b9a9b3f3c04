"""What may be forgotten at any time: short-lived values, counters in windows, and locks that end by themselves."""

import asyncio
import contextlib
import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import NamedTuple

from cachetools import TLRUCache

VALUES = 4096
COUNTERS = 32768
"""How many of each are kept; the ones that nobody asked for longest go first, so no flood of keys fills the memory."""
_LOCK_POLL_SECONDS = 0.03


class Count(NamedTuple):
    """How often something happened in its window, and the seconds until the window ends."""

    number: int
    seconds: float


@dataclass(slots=True)
class Counter:
    """A count in its window, which ends at a moment of `time.monotonic`."""

    number: int
    ends_at: float


@dataclass(slots=True)
class _Value:
    data: bytes
    ends_at: float


def _end(_key: str, item: Counter | _Value, _now: float) -> float:
    return item.ends_at


class Cache:
    """The cache within this process."""

    def __init__(self) -> None:
        self._values: TLRUCache[str, _Value] = TLRUCache(VALUES, ttu=_end, timer=time.monotonic)
        self._counters: TLRUCache[str, Counter] = TLRUCache(COUNTERS, ttu=_end, timer=time.monotonic)
        self._locks: TLRUCache[str, _Value] = TLRUCache(VALUES, ttu=_end, timer=time.monotonic)

    async def get(self, key: str) -> bytes | None:
        """Return what was set under `key`, None where it is forgotten."""
        item = self._values.get(key)
        return item.data if item else None

    async def set(self, key: str, value: bytes, seconds: float) -> None:
        """Remember `value` for `seconds` at most."""
        self._values[key] = _Value(value, time.monotonic() + seconds)

    async def delete(self, key: str) -> None:
        """Forget `key`."""
        self._values.pop(key, None)

    async def count(self, key: str, seconds: float) -> Count:
        """Count one more of `key`, in a window of `seconds` that begins with the first."""
        counter = self._counter(key, seconds)
        counter.number += 1
        return Count(counter.number, max(0.0, counter.ends_at - time.monotonic()))

    async def uncount(self, key: str) -> None:
        """Count one less of `key`, never below nought, in the window that runs."""
        counter = self._counters.get(key)
        if counter and counter.number:
            counter.number -= 1

    @contextlib.asynccontextmanager
    async def lock(self, key: str, seconds: float) -> AsyncIterator[None]:
        """Hold `key` alone, for `seconds` at most; wait as long for another holder, then raise TimeoutError."""
        holder = secrets.token_hex(8)
        end = time.monotonic() + seconds + _LOCK_POLL_SECONDS
        while not await self._claim(key, holder, seconds):
            if time.monotonic() > end:
                raise TimeoutError(key)
            await asyncio.sleep(_LOCK_POLL_SECONDS)
        try:
            yield
        finally:
            await self._release(key, holder)

    def healthy(self) -> bool:
        """Whether what it leans on answered last."""
        return True

    async def close(self) -> None:
        """Let go of connections."""

    def _counter(self, key: str, seconds: float) -> Counter:
        """Return the counter of `key`, a new one at nought where its window has ended."""
        counter = self._counters.get(key)
        if counter is None:
            counter = self._counters[key] = Counter(0, time.monotonic() + seconds)
        return counter

    async def _claim(self, key: str, holder: str, seconds: float) -> bool:
        if key in self._locks:
            return False
        self._locks[key] = _Value(holder.encode(), time.monotonic() + seconds)
        return True

    async def _release(self, key: str, holder: str) -> None:
        """Free `key`, but only where `holder` has it still."""
        item = self._locks.get(key)
        if item and item.data == holder.encode():
            del self._locks[key]


def cache(redis_url: str) -> Cache:
    """Return the cache that processes share through Redis, the one within the process where the URL is empty."""
    if not redis_url:
        return Cache()
    from server.gateways.redis_cache import RedisCache  # noqa: PLC0415 -- who has no Redis need not load its client

    return RedisCache(redis_url)
