"""Our side of WeChat, opened in this process. Run as a module, it makes calls at once and prints what they came to."""

import asyncio
import collections
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Awaitable
from dataclasses import dataclass
from typing import Any

from server import secrets
from server.gateways.cache import Cache, cache
from server.gateways.redis_cache import RedisCache
from server.gateways.wechat.gateway import MiniProgram, ServiceAccount
from server.gateways.wechat.link import Link
from server.kernel.errors import DomainError

PATIENCE_SECONDS = 10
"""For tests about what is shared, not about how long it takes: a busy machine is not a Redis in trouble."""


@dataclass
class WeChat:
    """Both accounts over one link and one cache."""

    link: Link
    cache: Cache
    mini: MiniProgram
    service: ServiceAccount


@contextlib.asynccontextmanager
async def opened(base: str, redis_url: str = "", *, patient: bool = False) -> AsyncIterator[WeChat]:
    shared = RedisCache(redis_url, PATIENCE_SECONDS) if patient else cache(redis_url)
    link = Link(base)
    mini, service = secrets.DEVELOPMENT_MINI_PROGRAM, secrets.DEVELOPMENT_SERVICE_ACCOUNT
    try:
        yield WeChat(
            link,
            shared,
            MiniProgram(link, shared, mini.appid, mini.secret),
            ServiceAccount(link, shared, service.appid, service.secret),
        )
    finally:
        await link.close()
        await shared.close()


async def outcome(call: Awaitable[Any]) -> str:
    """Return `ok`, or the slug of the refusal."""
    try:
        await call
    except DomainError as error:
        return error.slug
    return "ok"


async def timed(call: Awaitable[Any]) -> tuple[str, float]:
    """Return the outcome of `call` and its seconds."""
    began = time.monotonic()
    return await outcome(call), time.monotonic() - began


async def many(base: str, redis_url: str, openid: str) -> None:
    """For each number read, ask about a follower so many times at once and print how often each outcome came."""
    async with opened(base, redis_url, patient=True) as wechat:
        while line := await asyncio.to_thread(sys.stdin.readline):
            calls = (outcome(wechat.service.follower(openid)) for _ in range(int(line)))
            print(json.dumps(collections.Counter(await asyncio.gather(*calls))), flush=True)  # noqa: T201


if __name__ == "__main__":
    asyncio.run(many(*sys.argv[1:]))
