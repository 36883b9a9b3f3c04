"""Limits hold with Redis present, absent, frozen and killed, and give nobody's address away."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
from redis import asyncio as aioredis

from miniprogram_api.problem import ProblemHandler, Problems
from server.gateways.cache import Cache, cache
from server.gateways.limits import Limits
from server.gateways.redis_cache import RedisCache
from server.kernel.errors import DomainError
from server.settings import ROOT
from tests.harness.gateway import PATIENCE_SECONDS
from tests.harness.redis import Redis
from tests.harness.waiting import allowed

ADDRESS = "203.0.113.77"


@pytest.fixture
async def over_redis(redis_server: Redis) -> AsyncIterator[Cache]:
    redis_server.kill()
    redis_server.start()
    made = RedisCache(redis_server.url, 1.0)  # more patient than in earnest: how long it waits is not shown here
    await made.get("warm")
    yield made
    redis_server.kill()
    redis_server.start()
    await made.close()


async def passed(limits: Limits, tries: int, who: str = ADDRESS, seconds: float = 2) -> int:
    """Return how many of `tries` at once came through a limit of 10; each ends within `seconds`."""

    async def one() -> DomainError | None:
        began = time.monotonic()
        try:
            await limits.take("sign_in", who, 10, 60)
        except DomainError as error:
            return error
        finally:
            assert time.monotonic() - began < allowed(seconds)
        return None

    found = await asyncio.gather(*(one() for _ in range(tries)))
    refusals = [error for error in found if error]
    assert {(error.slug, error.status) for error in refusals} <= {("too_many_requests", 429)}
    assert all(1 <= error.facts["seconds"] <= 60 for error in refusals)
    return tries - len(refusals)


def nothing(_server: Redis) -> None:
    return None


@pytest.mark.parametrize("shared", [False, True])
async def test_a_try_given_back_may_be_made_again_and_never_more_than_were_taken(
    over_redis: Cache, *, shared: bool
) -> None:
    limits = Limits(over_redis if shared else Cache())
    await limits.give_back("sign_in", "someone")
    assert await passed(limits, 12, "someone") == 10
    for _ in range(3):
        await limits.give_back("sign_in", "someone")
    assert await passed(limits, 5, "someone") == 1
    for _ in range(20):
        await limits.give_back("sign_in", "someone")
    assert await passed(limits, 12, "someone") == 10


@pytest.mark.parametrize(("status", "counts"), [(503, False), (422, True)])
async def test_a_try_that_our_own_trouble_ended_does_not_count(*, status: int, counts: bool) -> None:
    limits = Limits(Cache())
    with pytest.raises(DomainError):
        async with limits.counted("phone", "someone", 1, 60):
            raise DomainError("wechat_away", status)
    with pytest.raises(DomainError) if counts else contextlib.nullcontext():
        async with limits.counted("phone", "someone", 1, 60):
            pass


@pytest.mark.parametrize("trouble", [nothing, Redis.freeze, Redis.kill])
async def test_a_limit_holds_whatever_redis_does(
    over_redis: Cache, redis_server: Redis, trouble: Callable[[Redis], None]
) -> None:
    limits = Limits(over_redis)
    assert await passed(limits, 6) == 6
    trouble(redis_server)
    assert await passed(limits, 60) == 4
    assert await passed(limits, 20) == 0
    assert await passed(limits, 20, who="203.0.113.78") == 10


async def test_a_limit_holds_without_redis() -> None:
    limits = Limits(cache(""))
    assert await passed(limits, 60) == 10
    assert await passed(limits, 1) == 0


async def test_processes_that_share_redis_share_the_limit(redis_server: Redis) -> None:
    caches = [RedisCache(redis_server.url, PATIENCE_SECONDS) for _ in range(2)]
    found = await asyncio.gather(*(passed(Limits(shared), 30, seconds=PATIENCE_SECONDS) for shared in caches))
    for shared in caches:
        await shared.close()
    assert sum(found) == 10


async def test_different_tries_are_counted_apart() -> None:
    limits = Limits(cache(""))
    await limits.take("phone", ADDRESS, 1, 60)
    await limits.take("sign_in", ADDRESS, 1, 60)
    with pytest.raises(DomainError):
        await limits.take("phone", ADDRESS, 1, 60)


async def test_no_address_lies_in_redis_or_can_be_guessed_from_it(over_redis: Cache, redis_server: Redis) -> None:
    await Limits(over_redis, "a secret").take("sign_in", ADDRESS, 5, 60)
    async with aclosing(aioredis.Redis.from_url(redis_server.url)) as client:
        with_secret = set(await client.keys())
        await Limits(over_redis).take("sign_in", ADDRESS, 5, 60)
        without = set(await client.keys()) - with_secret
    assert len(with_secret) == len(without) == 1
    assert ADDRESS not in str(with_secret)


def test_the_answer_says_when_to_try_again() -> None:
    class Asked:
        method, path, request_id = "POST", "/api/v1/sessions", "r"

    handler = ProblemHandler(Problems.load(Path(ROOT / "content")))
    response = handler.response(Asked(), DomainError("too_many_requests", 429, seconds=17))  # type: ignore[arg-type]
    assert (response.status, response.headers["retry-after"]) == (429, "17")
    assert "17 秒" in (response.body or b"").decode()
    response = handler.response(Asked(), DomainError("wechat_away", 503, seconds=5))  # type: ignore[arg-type]
    assert (response.status, response.headers["retry-after"]) == (503, "5")
