"""Waking the workers of this process."""

import asyncio
import contextlib
from typing import Any
from weakref import WeakKeyDictionary


class LocalWakeup:
    """Wakes the workers of this process, each of them in a task of its own."""

    def __init__(self) -> None:
        self._events: WeakKeyDictionary[asyncio.Task[Any], asyncio.Event] = WeakKeyDictionary()
        self._notified = False

    async def notify(self) -> None:
        """Wake whoever waits here; who is busy finds it done when next they wait."""
        self._notified = True
        for event in list(self._events.values()):
            event.set()

    async def wait(self, seconds: float) -> None:
        """Sleep until notified, at most `seconds`."""
        event = self._mine()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):  # `wait_for` forgets that it was cancelled where it is woken as well
                await event.wait()
        event.clear()

    def _mine(self) -> asyncio.Event:
        task = asyncio.current_task()
        assert task  # noqa: S101 -- whoever awaits runs in one
        if task not in self._events:
            self._events[task] = asyncio.Event()
            if self._notified:  # perhaps after it last looked
                self._events[task].set()
        return self._events[task]

    async def listen(self) -> None:
        """Nothing reaches this process from outside."""

    async def healthy(self) -> bool:
        """Return True: there is nothing that could be away."""
        return True


def wakeup(url: str) -> LocalWakeup:
    """Return the wake-up for a Redis URL, the one within the process where it is empty."""
    if not url:
        return LocalWakeup()
    from server.gateways.redis_wakeup import RedisWakeup  # noqa: PLC0415 -- who has no Redis need not load its client

    return RedisWakeup(url)
