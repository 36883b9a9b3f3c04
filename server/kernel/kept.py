"""What takes long to reckon and may be a little old: kept in the process for so many seconds."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Generic, TypeVar

from server.kernel import clock

T = TypeVar("T")


class Kept(Generic[T]):
    """The last answer of `reckon`; also a clock that was moved makes it old."""

    def __init__(self, reckon: Callable[[datetime], Awaitable[T]], seconds: int) -> None:
        self._reckon, self._seconds = reckon, seconds
        self._answer: tuple[datetime, T] | None = None
        self._until = float("-inf")
        self._reckoning = asyncio.Lock()

    async def answer(self) -> T:
        """Return it, reckoned at most so many seconds ago; whoever comes meanwhile waits for the same one."""
        async with self._reckoning:
            now = clock.now()
            moved = self._answer and abs((now - self._answer[0]).total_seconds()) > self._seconds
            if self._answer is None or moved or time.monotonic() >= self._until:
                self._answer = now, await self._reckon(now)
                self._until = time.monotonic() + self._seconds
            return self._answer[1]
