"""Signing in and everything after it goes on, each within a second, whatever becomes of Redis."""

import asyncio
import time
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path

import aiohttp
import pytest

from tests.harness import app
from tests.harness.people import SignedIn
from tests.harness.redis import Redis
from tests.harness.standin import StandIn
from tests.harness.waiting import allowed

_numbers = count()


@pytest.fixture
async def with_redis(
    settings: dict[str, str], standin: StandIn, redis_server: Redis, tmp_path: Path
) -> AsyncIterator[aiohttp.ClientSession]:
    settings |= {"YZT_REDIS_URL": redis_server.url, "YZT_WECHAT_URL": standin.base}
    with app.running(tmp_path / "log", **settings) as server:
        async with aiohttp.ClientSession(server.base) as client:
            yield client


async def everything(client: aiohttp.ClientSession, standin: StandIn) -> None:
    """Sign in, refresh, call, give a phone, sign out; each within a second."""
    slowest, began = 0.0, time.monotonic()
    signed_in = await SignedIn.at(client, standin, f"redis-{next(_numbers)}")
    refresh, phone = {"refresh_token": signed_in.refresh}, {"code": standin.phone_code("13800000000")}
    for method, path, body, status in (
        ("POST", "/sessions/refresh", refresh, 200),
        ("GET", "/me", None, 200),
        ("POST", "/me/phone", phone, 200),
        ("DELETE", "/sessions", None, 204),
        ("GET", "/me", None, 401),
    ):
        slowest, began = max(slowest, time.monotonic() - began), time.monotonic()
        assert (await signed_in.ask(method, path, body))[0] == status, path
    assert max(slowest, time.monotonic() - began) < allowed(1)


async def test_redis_present_frozen_killed_mid_run_and_back(
    with_redis: aiohttp.ClientSession, standin: StandIn, redis_server: Redis
) -> None:
    await everything(with_redis, standin)
    redis_server.freeze()
    for _ in range(3):
        await asyncio.gather(*(everything(with_redis, standin) for _ in range(5)))
    redis_server.thaw()
    await everything(with_redis, standin)
    running = asyncio.gather(*(everything(with_redis, standin) for _ in range(5)))
    await asyncio.sleep(0.02)
    redis_server.kill()
    await running
    await everything(with_redis, standin)
    redis_server.start()
    await everything(with_redis, standin)
