"""How every gateway talks to Redis: short time-outs, no retries, and a pool that nobody queues for."""

from redis import asyncio as aioredis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

TIMEOUT_SECONDS = 0.3
CONNECTIONS = 16
AWAY = (RedisError, OSError, TimeoutError)
"""Whatever a Redis that is absent, frozen or killed may raise."""


def connect(url: str, seconds: float = TIMEOUT_SECONDS) -> "aioredis.Redis":
    """Return a client for `url` that opens its connections when they are needed, each with as few words as possible.

    `seconds` bounds each step: finding a free connection, opening one, and the answer.
    """
    pool: aioredis.BlockingConnectionPool = aioredis.BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        timeout=seconds,
        socket_timeout=seconds,
        socket_connect_timeout=seconds,
        retry=Retry(NoBackoff(), 0),
        protocol=2,
        driver_info=None,
    )
    return aioredis.Redis.from_pool(pool)
