"""Six hundred clients that hang up mid-request cost the server nothing."""

import asyncio
import random
import re
import struct
import time
from pathlib import Path
from socket import SO_LINGER, SOL_SOCKET

import aiohttp
import orjson
from tortoise.backends.base.client import BaseDBAsyncClient

from server.kernel.outbox import Event
from tests.harness.app import TOKEN, Server
from tests.harness.waiting import allowed

CLIENTS = 600
POOL = 10


def request(text: str, seconds: float = 0) -> bytes:
    body = orjson.dumps({"text": text, "seconds": seconds})
    head = (
        f"POST /probe/notes HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def hang_up(port: int, number: int, *, reset: bool) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    if reset:
        writer.get_extra_info("socket").setsockopt(SOL_SOCKET, SO_LINGER, struct.pack("ii", 1, 0))
    writer.write(request(f"gone {number}"))
    await writer.drain()
    await asyncio.sleep(random.random() * 0.02)  # noqa: S311 -- no secret, only jitter
    writer.close()


async def test_no_connection_is_lost_and_the_next_write_is_prompt(
    server: Server, client: aiohttp.ClientSession, database: BaseDBAsyncClient
) -> None:
    for start in range(0, CLIENTS, 100):
        await asyncio.gather(
            *(hang_up(server.port, number, reset=bool(number % 2)) for number in range(start, start + 100))
        )
    headers = {"Authorization": f"Bearer {TOKEN}"}

    async def write() -> int:
        async with client.post("/probe/notes", json={"text": "after", "seconds": 0.01}, headers=headers) as answer:
            return answer.status

    began = time.monotonic()
    assert await write() == 201
    assert time.monotonic() - began < allowed(1)
    async with asyncio.timeout(allowed(10)):
        assert await asyncio.gather(*(write() for _ in range(3 * POOL))) == [201] * 3 * POOL
    assert await Event.filter(subject="after").count() == 3 * POOL + 1
    if database.capabilities.dialect == "postgres":
        idle = "SELECT count(*) AS n FROM pg_stat_activity WHERE state LIKE 'idle in transaction%'"
        assert (await database.execute_query_dict(idle))[0]["n"] == 0
    assert re.findall(r'"status":50\d', Path(server.log).read_text()) == []
