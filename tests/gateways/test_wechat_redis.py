"""Every call to WeChat ends within a second, whatever Redis does."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from tests.harness import gateway
from tests.harness.gateway import WeChat
from tests.harness.redis import Redis
from tests.harness.standin import StandIn
from tests.harness.waiting import allowed


@pytest.fixture
async def wechat(standin: StandIn, redis_server: Redis) -> AsyncIterator[WeChat]:
    standin.reset()
    standin.follower("f-1", unionid="u-1")
    redis_server.kill()
    redis_server.start()
    async with gateway.opened(standin.base, redis_server.url) as opened:
        await opened.mini.identity(standin.code("warm"))
        yield opened
    redis_server.kill()
    redis_server.start()


async def all_calls(wechat: WeChat, standin: StandIn) -> None:
    codes = [(standin.code(f"p-{number}"), standin.phone_code("13800138000")) for number in range(20)]
    calls: list[Awaitable[Any]] = [
        call for login, phone in codes for call in (wechat.mini.identity(login), wechat.mini.phone(phone))
    ]
    calls.append(wechat.service.follower("f-1"))
    found = await asyncio.gather(*(gateway.timed(call) for call in calls))
    assert {outcome for outcome, _ in found} == {"ok"}
    assert max(seconds for _, seconds in found) < allowed(1)


@pytest.mark.parametrize("trouble", [Redis.freeze, Redis.kill])
@pytest.mark.parametrize("cold", [True, False])
async def test_redis_in_trouble_costs_less_than_a_second(
    wechat: WeChat, standin: StandIn, redis_server: Redis, trouble: Callable[[Redis], None], *, cold: bool
) -> None:
    if not cold:
        await all_calls(wechat, standin)
    trouble(redis_server)
    began = time.monotonic()
    while time.monotonic() - began < 1.3:  # it is tried again after a second
        standin.revoke()
        await all_calls(wechat, standin)


async def test_redis_killed_in_the_middle_costs_less_than_a_second(
    wechat: WeChat, standin: StandIn, redis_server: Redis
) -> None:
    running = asyncio.create_task(all_calls(wechat, standin))
    await asyncio.sleep(0.02)
    redis_server.kill()
    await running
    await all_calls(wechat, standin)


async def test_without_redis_at_all(standin: StandIn) -> None:
    standin.reset()
    standin.follower("f-1", unionid="u-1")
    async with gateway.opened(standin.base, "redis://127.0.0.1:1") as opened:
        await all_calls(opened, standin)
    async with gateway.opened(standin.base) as opened:
        await all_calls(opened, standin)
