"""Waking the workers of this process."""

import asyncio
import contextlib


class LocalWakeup:
    """Wakes the workers of this process."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    async def notify(self) -> None:
        """Wake whoever waits here."""
        self._event.set()

    async def wait(self, seconds: float) -> None:
        """Sleep until notified, at most `seconds`."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), seconds)
        self._event.clear()

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
