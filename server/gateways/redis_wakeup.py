"""Waking workers across processes through Redis."""

import asyncio
import contextlib

import structlog

from server.gateways.redis_connection import AWAY, connect
from server.gateways.wakeup import LocalWakeup

CHANNEL = "yizhitong:wakeup"
_log = structlog.get_logger(__name__)


class RedisWakeup(LocalWakeup):
    """Wakes the workers of every process that listens on the same Redis.

    Redis may be absent, frozen or killed at any time: the workers then find their work by looking, as they do
    anyway, and `notify` gives up after 0.3 seconds.
    """

    def __init__(self, url: str) -> None:
        super().__init__()
        self._redis = connect(url)

    async def notify(self) -> None:
        """Wake this process at once and the others if Redis is there."""
        await super().notify()
        with contextlib.suppress(*AWAY):
            await self._redis.publish(CHANNEL, b"")

    async def listen(self) -> None:
        """Pass on what other processes say, until cancelled."""
        while True:
            try:
                await self._relay()
            except AWAY as error:
                _log.debug("redis is away", error=type(error).__name__)
                await asyncio.sleep(1)

    async def healthy(self) -> bool:
        """Whether Redis answers."""
        try:
            return bool(await self._redis.ping())
        except AWAY:
            return False

    async def _relay(self) -> None:
        async with self._redis.pubsub() as channel:
            await channel.subscribe(CHANNEL)
            while True:
                message = await channel.get_message(ignore_subscribe_messages=True, timeout=5)
                if message:
                    await super().notify()
                elif not await self.healthy():
                    raise TimeoutError
