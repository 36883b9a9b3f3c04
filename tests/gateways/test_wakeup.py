"""One call wakes everyone who waits, and nobody who was busy misses it."""

import asyncio
import time

import pytest

from server.gateways.wakeup import LocalWakeup
from tests.harness.waiting import allowed


async def waited(wakeup: LocalWakeup, seconds: float = 60) -> float:
    began = time.monotonic()
    await wakeup.wait(seconds)
    return time.monotonic() - began


async def test_everyone_is_woken() -> None:
    wakeup = LocalWakeup()
    waiting = [asyncio.create_task(waited(wakeup)) for _ in range(3)]
    await asyncio.sleep(0.01)
    await wakeup.notify()
    assert max(await asyncio.gather(*waiting)) < allowed(1)


async def test_who_was_busy_finds_it_done_and_once() -> None:
    wakeup = LocalWakeup()

    async def busy() -> list[float]:
        await wakeup.wait(0)
        await wakeup.notify()
        return [await waited(wakeup), await waited(wakeup, 0.05)]

    first, second = await asyncio.create_task(busy())
    assert first < allowed(1)
    assert second >= 0.04


async def test_one_that_begins_after_the_call_looks_once() -> None:
    wakeup = LocalWakeup()
    await wakeup.notify()
    assert await asyncio.create_task(waited(wakeup)) < allowed(1)


@pytest.mark.parametrize("turns", range(6))
async def test_who_is_woken_and_cancelled_at_once_is_cancelled(turns: int) -> None:
    """A loop that forgets it keeps a process from ever stopping."""
    wakeup = LocalWakeup()

    async def work() -> None:
        while True:
            await wakeup.wait(60)

    working = asyncio.create_task(work())
    await asyncio.sleep(0.01)
    await wakeup.notify()
    for _ in range(turns):
        await asyncio.sleep(0)
    working.cancel()
    await asyncio.wait([working], timeout=1)
    cancelled = working.cancelled()
    working.cancel()
    assert cancelled
