"""The cache within a process and over a Redis that is there, frozen, killed, or comes back empty."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import aclosing
from typing import Any

import pytest
from redis import asyncio as aioredis

from server.gateways.cache import COUNTERS, Cache, cache
from server.gateways.redis_cache import PREFIX, RedisCache
from tests.harness.gateway import PATIENCE_SECONDS
from tests.harness.redis import Redis
from tests.harness.waiting import allowed, until

QUICK = 0.9
"""0.3 s and what two busy cores add."""


@pytest.fixture(scope="module", autouse=True)
async def warm(redis_server: Redis) -> None:
    """Load Redis's client before anything is timed."""
    made = cache(redis_server.url)
    await made.get("warm")
    await made.close()


@pytest.fixture(params=["within the process", "over Redis"])
async def shared(request: pytest.FixtureRequest) -> AsyncIterator[Cache]:
    over = request.param == "over Redis"
    made = RedisCache(request.getfixturevalue("redis_server").url, PATIENCE_SECONDS) if over else cache("")
    yield made
    await made.close()


@pytest.fixture
async def over_redis(redis_server: Redis) -> AsyncIterator[Cache]:
    redis_server.kill()
    redis_server.start()
    made = cache(redis_server.url)
    await made.set("warm", b"1", 60)
    yield made
    redis_server.kill()
    redis_server.start()
    await made.close()


async def timed(work: Awaitable[Any]) -> tuple[Any, float]:
    began = time.monotonic()
    return await work, time.monotonic() - began


async def test_a_value_is_kept_until_its_end_or_its_deletion(shared: Cache) -> None:
    assert await shared.get("value") is None
    await shared.set("value", b"\x00one", 60)
    await shared.set("short", b"two", 0.5)
    assert (await shared.get("value"), await shared.get("short")) == (b"\x00one", b"two")
    await asyncio.sleep(0.55)
    assert (await shared.get("value"), await shared.get("short")) == (b"\x00one", None)
    await shared.delete("value")
    assert await shared.get("value") is None


async def test_two_hundred_at_once_are_counted_as_two_hundred(shared: Cache) -> None:
    counts = await asyncio.gather(*(shared.count("tries", 60) for _ in range(200)))
    assert sorted(count.number for count in counts) == list(range(1, 201))
    assert all(58 < count.seconds <= 60 for count in counts)


async def test_a_window_begins_with_its_first_and_ends(shared: Cache) -> None:
    assert (await shared.count("window", 1)).number == 1
    await asyncio.sleep(0.5)
    assert (await shared.count("window", 1)).number == 2
    await asyncio.sleep(0.6)
    assert (await shared.count("window", 1)).number == 1


async def test_a_lock_has_one_holder_at_a_time(shared: Cache) -> None:
    inside, most = 0, 0

    async def hold() -> None:
        nonlocal inside, most
        async with shared.lock("only", 5):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(hold() for _ in range(8)))
    assert most == 1


async def test_a_lock_ends_by_itself_and_its_former_holder_does_not_free_the_next(shared: Cache) -> None:
    late, waiting = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with shared.lock("slow", 0.2):
            waiting.set()
            await late.wait()

    task = asyncio.create_task(slow())
    await waiting.wait()
    async with shared.lock("slow", 2):
        late.set()
        await task
        with pytest.raises(TimeoutError):
            async with shared.lock("slow", 0.1):
                pytest.fail("two holders")


async def test_whoever_waits_too_long_for_a_lock_is_told(shared: Cache) -> None:
    async with shared.lock("held", 10):
        _, seconds = await timed(asyncio.gather(_try(shared, "held", 0.2), return_exceptions=True))
        assert seconds < allowed(1)
    async with shared.lock("held", 10):
        pass


async def _try(shared: Cache, key: str, seconds: float) -> None:
    with pytest.raises(TimeoutError):
        async with shared.lock(key, seconds):
            pytest.fail("two holders")


async def test_a_flood_of_keys_neither_fills_the_memory_nor_drives_values_out() -> None:
    local = Cache()
    await local.set("token", b"kept", 600)
    for number in range(COUNTERS * 3):
        await local.count(f"address-{number}", 600)
    assert len(local._counters) <= COUNTERS  # noqa: SLF001 -- what the process holds is the point
    assert await local.get("token") == b"kept"


async def test_every_counter_in_redis_has_an_end(over_redis: Cache, redis_server: Redis) -> None:
    await asyncio.gather(*(over_redis.count(f"end-{number}", 30) for number in range(20)))
    async with aclosing(aioredis.Redis.from_url(redis_server.url)) as client:
        for number in range(20):
            assert 0 < await client.pttl(f"{PREFIX}end-{number}") <= 30_000


async def operations(shared: Cache) -> list[float]:
    calls = [(shared.get("a"), shared.set("b", b"c", 5), shared.delete("d"), shared.count("e", 5)) for _ in range(50)]
    return [seconds for _, seconds in await asyncio.gather(*(timed(call) for group in calls for call in group))]


async def test_a_frozen_redis_holds_nobody_and_is_back_soon(over_redis: Cache, redis_server: Redis) -> None:
    assert max(await operations(over_redis)) < allowed(QUICK)
    redis_server.freeze()
    assert max(await operations(over_redis)) < allowed(QUICK)
    assert not over_redis.healthy()
    assert max(await operations(over_redis)) < allowed(0.1), "left alone for a second"
    began = time.monotonic()
    while time.monotonic() - began < 1.5:  # it is tried again after a second
        assert max(await operations(over_redis)) < allowed(QUICK)
        await asyncio.sleep(0.1)
    redis_server.thaw()
    await until(lambda: is_back(over_redis), 5)
    assert max(await operations(over_redis)) < allowed(QUICK)


async def is_back(shared: Cache) -> bool:
    await shared.get("a")
    return shared.healthy()


async def test_a_killed_redis_holds_nobody_and_is_back_soon(over_redis: Cache, redis_server: Redis) -> None:
    running = [asyncio.create_task(operations(over_redis)) for _ in range(3)]
    await asyncio.sleep(0.005)
    redis_server.kill()
    assert max(max(seconds) for seconds in await asyncio.gather(*running)) < allowed(QUICK)
    for _ in range(12):
        assert max(await operations(over_redis)) < allowed(QUICK)
        await asyncio.sleep(0.1)
    redis_server.start()
    await until(lambda: is_back(over_redis), 5)


async def test_what_was_counted_still_counts_when_redis_goes_and_comes_back_empty(
    over_redis: Cache, redis_server: Redis
) -> None:
    for _ in range(5):
        await over_redis.count("limited", 60)
    redis_server.kill()
    assert (await over_redis.count("limited", 60)).number == 6
    redis_server.start()
    await until(lambda: is_back(over_redis), 5)
    assert (await over_redis.count("limited", 60)).number == 7


class Wavering(RedisCache):
    """Redis as it may be at its worst: answering some at once, some late and some never."""

    def __init__(self) -> None:
        super().__init__("redis://127.0.0.1:1")
        self.answers: list[Any] = []

    async def _ask(self, _command: Any, otherwise: Any) -> Any:
        answer = self.answers.pop(0)
        return await answer if answer else await otherwise()


async def test_a_late_answer_does_not_undo_what_was_counted_meanwhile() -> None:
    wavering, loop = Wavering(), asyncio.get_running_loop()
    late, prompt = loop.create_future(), loop.create_future()
    prompt.set_result([1, 60_000])
    wavering.answers = [late, prompt, *[None] * 6]
    first = asyncio.create_task(wavering.count("tries", 60))
    await asyncio.sleep(0)
    for expected in range(1, 7):
        assert (await wavering.count("tries", 60)).number == expected
    late.set_result([2, 60_000])
    await first
    assert (await wavering.count("tries", 60)).number == 7


async def test_a_lock_works_while_redis_is_away(over_redis: Cache, redis_server: Redis) -> None:
    async def hold() -> None:
        async with over_redis.lock("away", 2):
            redis_server.kill()

    assert (await timed(hold()))[1] < allowed(1)
    for _ in range(3):
        assert (await timed(_once(over_redis)))[1] < allowed(2 * QUICK)


async def _once(shared: Cache) -> None:
    async with shared.lock("once", 1):
        pass


async def test_callers_who_give_up_leave_no_answer_of_theirs_to_others(redis_server: Redis) -> None:
    """A cancelled command must not leave its reply on a connection that the next one takes."""
    over_redis = RedisCache(redis_server.url, PATIENCE_SECONDS)
    for number in range(40):
        await over_redis.set(f"own-{number}", str(number).encode(), 60)
    for _ in range(20):
        tasks = [asyncio.create_task(over_redis.get(f"own-{number}")) for number in range(40)]
        for task in tasks[::2]:
            await asyncio.sleep(0)
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert {number: value for number, value in enumerate(found) if number % 2} == {
            number: str(number).encode() for number in range(1, 40, 2)
        }
    assert over_redis.healthy()
    await over_redis.close()
