"""Waiting for other processes without guessing how long they take."""

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp

from tests.harness.app import Server

leeway = 8.0
"""How many times as long as it should a thing may take while the tests share the machine; 1 with the drills."""


def allowed(seconds: float) -> float:
    """Return how long what should take no more than `seconds` may take in this run."""
    return seconds * leeway


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 15) -> None:
    """Return once `condition` holds; raise TimeoutError if it does not in the time allowed."""
    async with asyncio.timeout(allowed(seconds)):
        while not await condition():
            await asyncio.sleep(0.05)


async def logged(server: Server, text: str) -> bool:
    """Return whether `server` has written this to its log."""
    return text in server.log.read_text()


async def put(server: Server, number: int, seconds: float = 0) -> None:
    """Have `server` enqueue `number` probe jobs that take `seconds` each."""
    body = {"number": number, "seconds": seconds}
    async with aiohttp.ClientSession(server.base) as client, client.post("/probe/jobs", json=body) as answer:
        assert answer.status == 204
