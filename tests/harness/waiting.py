"""Waiting for other processes without guessing how long they take."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

from tests.harness.app import Server


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    """Return once `condition` holds; raise TimeoutError if it does not in time."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.05)


async def put(server: Server, number: int, seconds: float = 0) -> None:
    """Have `server` enqueue `number` probe jobs that take `seconds` each."""
    body = {"number": number, "seconds": seconds}
    async with aiohttp.ClientSession(server.base) as client, client.post("/probe/jobs", json=body) as answer:
        assert answer.status == 204
